#!/bin/bash
# SPDX-License-Identifier: MIT
# The core with real threads as CPUs under ThreadSanitizer, 10 minutes (MINUTES=) of random operations
# reads: MINUTES
set -u
make -s --no-print-directory build/threads/threads || exit 1
mkdir -p build/soak
log=build/soak/tsan.log
tests/threads/run.sh "$log" $((${MINUTES:-10} * 60)) || { echo "tsan: not as it should be: $log"; exit 1; }
echo "All is well."
