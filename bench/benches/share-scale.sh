#!/bin/bash
# SPDX-License-Identifier: MIT
# an offer from 2^10 to 2^24 canonical frames (LOG2= fewer), two threads, a page of 10^6 mappings and of 1000 domains
# reads: LOG2
. bench/host/lib.sh
host_bench share-scale "${LOG2:-24}" || exit 1
plot share-scale <<'PLOT'
set yrange [0:*]
set y2range [0:20]
set y2tics
set xlabel "canonical frames, log2"
set ylabel "CPU nanoseconds per offer"
set y2label "bytes per frame"
set title "Offers as the table grows"
plot "build/bench/share-scale.dat" using 1:2 with linespoints title "hit", "" using 1:3 with linespoints title "miss", "" using 1:4 axes x1y2 with lines title "index bytes", "" using 1:5 axes x1y2 with lines title "hold bytes"
PLOT
