#!/bin/sh
# SPDX-License-Identifier: MIT
# picture.sh DIR: memory over time of all systems of a run with PEER=ksm, DIR/memory.svg.
[ -s "$1/memory.tsv" ] || exit 0
gnuplot <<EOF || { echo "pasture: gnuplot could not draw $1/memory.svg" >&2; exit 1; }
set terminal svg size 900,480
set output "$1/memory.svg"
set title "Memory of the machine that the guests take"
set xlabel "seconds since the start"
set ylabel "MiB"
set yrange [0:*]
set key autotitle columnhead top right
set grid
plot for [i=0:2] "$1/memory.tsv" index i using 1:2 with lines linewidth 2
EOF
echo "  Picture: $1/memory.svg"
