# SPDX-License-Identifier: MIT
# Every header compiles alone; and so does what only AFL++'s compiler would build.
check() {
	local f

	while read -r f; do
		"$@" -fsyntax-only -x c - >/dev/null 2>"$log" <<<"#include \"$f\"" ||
			grep -m 1 -E 'error|warning' "$log" | sed "s|^|$f: |"
	done
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
{
	sources '*.h' | grep -E '^(hv|share|hash)/' | check $HV_CC
	# guest-lib/linux is compiled by Linux's own build.
	sources '*.h' | grep -E '^guest-lib/' | grep -v '^guest-lib/linux/' |
		check ${GUEST_CC:-$HV_CC -Iguest-lib/core/include}
	sources '*.h' | grep -E '^(tests|bench)/' | check $HOST_CC -iquote bench
	echo fuzz/driver/cov.c | check $HOST_CC -D'__AFL_INIT()=' -Wno-unused-function
}
