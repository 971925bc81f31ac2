# SPDX-License-Identifier: MIT
# Options that do not exist, or have values that make no sense.
refuses "unknown option GESTS=3" "$harness" run GESTS=3
refuses "unknown option --fast" "$harness" run --fast
refuses "unknown command walk" "$harness" walk
refuses "GUESTS=many: wanted a number from 1 to 250" "$harness" run GUESTS=many
refuses "GUESTS=0: wanted" "$harness" run GUESTS=0
refuses "more groups than guests" "$harness" run GUESTS=2 TENANTS=3
refuses "ACCEL=hax: wanted tcg or kvm" "$harness" run ACCEL=hax
refuses "--iso wants a file name" "$harness" run --iso
refuses "no-such.iso: No such file" "$harness" run --iso no-such.iso
# A test's variant is a name, though it has a "=".
refuses "no boot test no-such:cpus=2,mem=8" "$harness" boot-test no-such:cpus=2,mem=8
export GUESTS=-1
refuses "GUESTS=-1: wanted" "$harness" run
unset GUESTS
fuzz="tests/fuzz/run.sh make elf"
DRIVER=x refuses "DRIVER=x: seed or cov" $fuzz
DRIVER=cov COV_SECONDS=abc refuses "SECONDS=abc: wanted a number from 1" $fuzz
DRIVER=cov SEED=3 refuses "N= and SEED= are for the other driver" $fuzz
