# SPDX-License-Identifier: MIT
# make: a misspelt variable, one that the target ignores, tests that are not there, and T=list,
# which builds nothing.
# Beside others (16 s): make only says what it would do.
export MAKELEVEL=0
nothing() { # VARIABLE TARGET...
	expect 2 "pasture: ${1%%=*}= means nothing to 'make ${*:2}'" make "$1" "${@:2}"
	[ "$(wc -l <<<"$out")" = 1 ] || fail "more than one line"
}
nothing GEUSTS=2 run
nothing TENANTS=3 many
nothing GUESTS=3 unit
nothing GUESTS=3 all
nothing MEM=700 iso
nothing T=x differential
nothing GEUSTS=2 clean
for target in $(make -s help | sed 's/ .*//'); do
	grep -q "^VARS_$target :=" bench/variables.mk || fail "bench/variables.mk does not say what 'make $target' looks at"
done
for target in unit fuzz model; do
	expect 2 "'nosuch'; 'make $target T=list' lists them" make -s $target T=nosuch
done
expect 2 "no job is called 'nosuch'" bash bench/run-named.sh job bench/jobs nosuch
for target in run bench soak unit boot model cli lint fuzz; do
	out=$(make -n -B $target T=list)
	! grep -qE '^(gcc|nasm|ld|objcopy)|deps.sh|unpack.sh' <<<"$out" || fail "make $target T=list builds"
done
out=$(diff <(make -s boot T=list) <("$harness" boot-test list)) || fail "two lists of boot tests"
