# SPDX-License-Identifier: MIT
# Each number of the attack list is in a test, or in tests/attacks.txt with the reason why
# not; and no reason is left of what has a test by now.
all=$(grep -rohwE '(PT|LP|TL|PR|GT|ME|CP|EV|TR|DD|SH|VC)[0-9]+' \
	tests/unit tests/boot tests/fuzz tests/model tests/cli 2>/dev/null | sort -u)
while read -r class last why; do
	case $class in
	'#'* | '') continue ;;
	-)
		! grep -qx "$last" <<<"$all" ||
			echo "tests/attacks.txt: $last has a test by now, and a reason why not"
		continue ;;
	esac
	for i in $(seq "$last"); do
		grep -qx "$class$i" <<<"$all" ||
			grep -q "^- $class$i " tests/attacks.txt ||
			echo "tests/attacks.txt: $class$i has no test and no reason why not"
	done
done <tests/attacks.txt
