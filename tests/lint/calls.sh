# SPDX-License-Identifier: MIT
# Each sub-operation that hv/ knows has a line in calls.txt, and its operations exist.
declare -A seen
while IFS=$'\t' read -r call ops; do
	seen[$call]=1
	case $ops in
	'- '?*) continue ;;
	'') echo "tests/sim/calls.txt: $call names no operation" ;;
	esac
	for op in $ops; do
		grep -qh "^	{ \"$op\", " tests/sim/ops*.c ||
			echo "tests/sim/calls.txt: $call: the simulator has no operation '$op'"
	done
done < <(grep -v '^#' tests/sim/calls.txt)
calls="EVTCHNOP|GNTTABOP|XENMEM|MMUEXT|VCPUOP|SCHEDOP|PHYSDEVOP|XEN_DOMCTL|XEN_SYSCTL|PASTURE_SYSCTL|SHAREOP|XENCOMMOP|FLASK"
calls+="|CONSOLEIO|VMASST_CMD|XENVER|CALLBACKOP|MMU"
for call in $(grep -rhoE "(case |\[)($calls)_[A-Za-z0-9_]+" \
	hv --include=*.c | sed 's/^case //; s/^\[//' | sort -u); do
	family=$(sed -E 's/^((XEN_|PASTURE_)?[A-Z]+(_CMD)?_).*/\1/' <<<"$call")
	[ -n "${seen[$call]-}${seen[$family*]-}" ] ||
		echo "tests/sim/calls.txt: no line for $call"
done
