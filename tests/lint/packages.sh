# SPDX-License-Identifier: MIT
# The Debian packages: what debian/control builds with is what .ci/deps.sh installs, and what the packages
# name by hand is there.
installs=$(sed -n '/^packages="/,/"$/p; s/.*packages="$packages \(.*\)"/\1/p' .ci/deps.sh | tr -d '"' | sed 's/^packages=//')
needs=$(sed -n '/^Build-Depends:/,/^$/p' debian/control | sed 's/^Build-Depends://; s/([^)]*)//g' | tr ',\n' '  ')
for p in ${needs/debhelper-compat/debhelper}; do
	tr ' ' '\n' <<<"$installs" | grep -qx -- "$p" || echo "debian/control: .ci/deps.sh does not install $p"
done
[ "$(wc -w <<<"$needs")" -gt 5 ] || echo "debian/control: no Build-Depends"
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
grep -q "^PACKAGE_VERSION=\"$version\"" guest-lib/linux/dkms.conf ||
	echo "debian/changelog: version $version is not that of guest-lib/linux/dkms.conf"
grep -q '^BUILD_EXCLUSIVE_KERNEL="^6' guest-lib/linux/dkms.conf ||
	echo "guest-lib/linux/dkms.conf: a module for one version of Linux would be built for all"
for f in debian/rules debian/build.sh debian/pasture-boot; do
	grep -q "pasture-$version\|^exec\|xen-pasture-$version" $f || echo "$f: another version than $version"
done
