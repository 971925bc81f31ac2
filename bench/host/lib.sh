# SPDX-License-Identifier: MIT
# For bench scripts that run a program of bench/host; source it.
. bench/figure.sh

# host_bench NAME [WORDS...]: it prints its table and writes its own JSON and data.
host_bench() {
	local name=$1
	shift

	make -s --no-print-directory "$B/host/$name" T= || return 1
	"$B/host/$name" "$@"
}
