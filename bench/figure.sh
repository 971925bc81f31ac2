# SPDX-License-Identifier: MIT
# What a bench leaves in build/bench: figures in JSON, and a picture.  Source it.
B=build/bench
mkdir -p "$B"
figures=()

# figure_add NAME VALUE: a number, or other JSON.
figure_add() {
	figures+=(--argjson "$1" "$2")
}

# figures_write NAME: all that were added.
figures_write() {
	jq -n "${figures[@]}" '{ figures: $ARGS.named }' >"$B/$1.json" || {
		rm -f "$B/$1.json"
		echo "pasture: a figure of $1 is no JSON: ${figures[*]}" >&2
		exit 1
	}
}

# What gnuplot is told before a picture of bars from 0 on.
bars='set style data histogram
set style fill solid 0.7
set yrange [0:*]'

# plot NAME [SIZE]: gnuplot's commands from standard input, into an SVG.
plot() {
	{ printf 'set terminal svg size %s\nset output "%s/%s.svg"\n' "${2:-800,420}" "$B" "$1"
	  cat; } | gnuplot || { echo "pasture: gnuplot could not draw $B/$1.svg" >&2; return 1; }
	echo
	echo "  $B/$1.json, $B/$1.svg"
}
