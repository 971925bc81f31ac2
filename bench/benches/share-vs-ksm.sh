#!/bin/bash
# SPDX-License-Identifier: MIT
# the same pages shared by Pasture's engine and by the kernel's KSM: CPU, memory saved, time
# reads: IMAGES IMAGE_MIB QEMU
. bench/host/lib.sh
images=()
if bench/host/guest-images.sh "${IMAGES:-3}" "${IMAGE_MIB:-128}"; then
	images=(build/images/guest-*.mem)
else
	echo "pasture: no images of guests: synthetic pages only" >&2
fi
host_bench share-vs-ksm "${images[@]}" || exit 1
plot share-vs-ksm <<'PLOT'
set style data histogram
set style fill solid 0.7
set logscale y
set ylabel "CPU microseconds per page merged"
set title "The same pages, shared"
plot "build/bench/share-vs-ksm.dat" using 2:xtic(1) title "Pasture", "" using 3 title "KSM"
PLOT
