# SPDX-License-Identifier: MIT
# For bench scripts that run a program of bench/host; source it.
B=build/bench
mkdir -p "$B"

# host_bench NAME [WORDS...]: it prints its table and writes its own JSON and data.
host_bench() {
	local name=$1
	shift

	make -s --no-print-directory "$B/host/$name" T= || return 1
	"$B/host/$name" "$@"
}

# plot NAME: gnuplot's commands from standard input, into an SVG.
plot() {
	{ printf 'set terminal svg size 800,420\nset output "%s/%s.svg"\n' "$B" "$1"
	  cat; } | gnuplot || { echo "pasture: gnuplot could not draw $1" >&2; return 1; }
	echo
	echo "  $B/$1.json, $B/$1.svg"
}
