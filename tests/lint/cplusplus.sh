# SPDX-License-Identifier: MIT
# The headers of the guest library and of the sharing call are also C++, and what they declare
# has C's names there.
flags="-std=c++11 -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only -x c++ -isystem build/inc -Ihv/abi
-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
$(echo guest-lib/*/include | sed 's/guest-lib[^ ]*linux[^ ]*//; s/guest-lib/-I&/g')"
log=$(mktemp) bad=$(mktemp)
trap 'rm -f "$log" "$bad"' EXIT
check() { # FILE OF
	# shellcheck disable=SC2086
	g++ $flags "$1" >/dev/null 2>"$log" </dev/null ||
		grep -m 1 -E 'error|warning' "$log" | sed "s|^|$2: |"
}
for header in hv/abi/*.h guest-lib/*/include/gl/*.h; do
	check "$header" "$header"
	if grep -qE '^[a-z].*\);$' "$header" && ! grep -q '^GL_DECLS_BEGIN$' "$header"; then
		echo "$header: declares functions, outside of GL_DECLS_BEGIN"
	fi
done
# The check finds what it looks for.
echo 'int f(int private);' >"$bad"
check "$bad" "$bad" | grep -q . ||
	echo "tests/lint/cplusplus.sh: sees no mistake where there is one"
