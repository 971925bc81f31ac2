#!/bin/bash
# SPDX-License-Identifier: MIT
# stock Linux guests at once in a machine of 4 GiB, each with a job; those that do not fit yet wait (GUESTS=97)
# reads: GUESTS GUEST_MEM VCPUS WORDS MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT
export GUESTS=${GUESTS:-97} MEM=${MEM:-4096} OVERCOMMIT=1 PLAIN=0 DIR=build/linux/many
TIMEOUT=${TIMEOUT:-7200} exec bash bench/jobs/linux.sh
