#!/bin/bash
# SPDX-License-Identifier: MIT
# build/threads/threads for some time: run.sh LOG SECONDS [SEED].  What was wrong is printed, then how many
# rounds there were; 0: nothing was.
log=$1
shift
# Where addresses are too random for it (vm.mmap_rnd_bits), ThreadSanitizer does not start.
! setarch -R true 2>/dev/null || fixed="setarch -R"
${fixed-} build/threads/threads "$@" >"$log" 2>&1
ended=$?
grep -aE '^FAILURE|^SUMMARY|^the CPUs did' "$log"
tail -n 1 "$log"
exit $ended
