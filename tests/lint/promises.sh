# SPDX-License-Identifier: MIT
# SECURITY.md: what it names as a promise's test is there.
page=SECURITY.md
for path in $(grep -oE '`(tests|hv)/[^` ]*`' $page | tr -d '`' | sort -u); do
	[ -e "$path" ] || echo "$page: there is no $path"
done
# Attacks in a test's own text; invariants in the audit's.
tests=$(grep -rhowE '(PT|LP|TL|PR|GT|ME|CP|EV|TR|DD|SH)[0-9]+' \
	tests/unit tests/boot tests/cli tests/fuzz tests/soak | sort -u)
audited=$(grep -rhowE 'I[0-9]+' hv/audit share --exclude=audit.h --exclude=audit_private.h | sort -u)
promised=$(sed -n '/^## Promises/,/^## Not promised/p' $page |
	grep -owE '(PT|LP|TL|PR|GT|ME|CP|EV|TR|DD|SH|I)[0-9]+' | sort -u)
for n in $promised; do
	case $n in
	I*) grep -qx "$n" <<<"$audited" || echo "$page: nothing recounts $n" ;;
	*) grep -qx "$n" <<<"$tests" || echo "$page: no test bears the number $n" ;;
	esac
done
[ -n "$promised" ] || echo "$page: no promise names a test"
