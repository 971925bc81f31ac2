#!/bin/bash
# SPDX-License-Identifier: MIT
# The core with real threads as CPUs under ThreadSanitizer, 10 minutes (MINUTES=) of random operations
# reads: MINUTES
set -u
make -s --no-print-directory build/threads/threads || exit 1
mkdir -p build/soak
log=build/soak/tsan.log
! setarch -R true 2>/dev/null || fixed="setarch -R" # else it may not start
${fixed-} build/threads/threads $((${MINUTES:-10} * 60)) >"$log" 2>&1
ended=$?
grep -aE '^FAILURE|^SUMMARY|^the CPUs did' "$log"
tail -n 1 "$log"
[ $ended = 0 ] || { echo "tsan: not as it should be: $log"; exit 1; }
echo "All is well."
