#!/bin/bash
# SPDX-License-Identifier: MIT
# an offer's CPU time against one hash + one compare (hit) or one copy (miss)
. bench/host/lib.sh
host_bench share-floor || exit 1
plot share-floor <<PLOT
$bars
set ylabel "CPU nanoseconds per page"
set title "An offer and what it cannot do without"
plot "$B/share-floor.dat" using 2:xtic(1) title "floor", "" using 3 title "offer"
PLOT
