# SPDX-License-Identifier: MIT
# A machine that cannot hold its guests is refused before QEMU starts.
refuses "MEM=64 is too little: 8 guests of" "$harness" run MEM=64
refuses "MEM=1024 is too little: 200 guests of 8 MiB" "$harness" many MEM=1024
refuses "MEM=1: wanted a number from 16" "$harness" run MEM=1
