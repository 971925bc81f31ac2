#!/bin/sh
# SPDX-License-Identifier: MIT
# saved.sh DIR: a run's memory, offers and breaks over time, DIR/saved.svg from DIR/saved.tsv.
command -v gnuplot >/dev/null || { echo "pasture: no picture: gnuplot is missing; run 'make deps'" >&2; exit 1; }
gnuplot <<PLOT || { echo "pasture: gnuplot could not draw $1/saved.svg" >&2; rm -f "$1/saved.svg"; exit 1; }
set terminal svg size 900,640
set output "$1/saved.svg"
set datafile separator tab
set multiplot layout 2,1 title "Memory of the guests, and what they do with it"
set key autotitle columnhead outside right top
set grid
set yrange [0:1<*]
set lmargin 10
set ylabel "MiB"
plot for [c=2:4] "$1/saved.tsv" using 1:c with lines linewidth 2
set xlabel "seconds since the machine started"
set ylabel "pages a second"
plot for [c=5:6] "$1/saved.tsv" using 1:c with lines linewidth 2
unset multiplot
PLOT
