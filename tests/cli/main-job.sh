# SPDX-License-Identifier: MIT
# The main job on the real hypervisor, small: two real files, each machine of a
# different shape.  `make run` is the same with eight guests and more files.
files="/bin/bash $(ldconfig -p | sed -n 's/.*x86-64.* => \(.*\/libc.so.6\)$/\1/p' | head -n 1)"
job() {
	expect 0 "All is well." env GUESTS=3 FILES="$files" "$@" "$harness" run
}
has() {
	grep -qE "\"$1\": $2[,]*\$" build/run/report.json ||
		fail "no \"$1\": $2 after $3"
}
for shape in "CPUS=1 TENANTS=1" "CPUS=2 TENANTS=3" "CPUS=4 TENANTS=1" \
	"CPUS=2 TENANTS=1 CPU_MODEL=max"; do
	# shellcheck disable=SC2086
	job $shape
	has guests 3 "$shape"
	has saved_over_optimum '(1\.0|0\.999[0-9]*)' "$shape"
	for zero in verify_errors frames_lost audit_errors cross_group_shares; do
		has $zero 0 "$shape"
	done
	[[ $shape = *TENANTS=3* ]] || has pages_sharing '[1-9][0-9]*' "$shape"
done
