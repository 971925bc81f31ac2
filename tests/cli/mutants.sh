# SPDX-License-Identifier: MIT
# What `make mutants` says to a name that is not there, and to a list with mistakes in it.
list=$work/mutants
rm -rf "$list"
mkdir -p "$list"
run() {
	env -u SHARD -u RESUME -u PARTS MUTANTS="$list" "$@" tests/mutants/run.sh make ${name-}
}
entry() {
	printf '= one\nfile\t%s\nclass\tnone\ntests\t%s\n-%s\n+%s\n' "$@" >"$list/a.txt"
}

name=nosuch
entry hv/mm/frame.c unit:mm_frame 'mfn_t frame_max_mfn;' 'mfn_t frame_max_mfn = 1;'
refuses "no mutant is called 'nosuch'; 'make mutants T=list' lists them" run
name=list
expect 0 one run
name=
refuses "SHARD=3/2 is not K/N" run SHARD=3/2
refuses "PARTS=x is not a number" run PARTS=x
entry hv/mm/frame.c unit:mm_frame 'no such text' ''
expect 1 "a.txt:1: one: its text is not in hv/mm/frame.c" run
entry hv/mm/frame.c unit:mm_frame 'return' ''
expect 1 "a.txt:1: one: its text is in hv/mm/frame.c more than once" run
entry hv/mm/nosuch.c unit:mm_frame x y
expect 1 "one: no file is called 'hv/mm/nosuch.c'" run
entry hv/mm/frame.c unit:nosuch 'mfn_t frame_max_mfn;' ''
expect 1 "one: no test is called 'unit:nosuch'" run
entry hv/mm/frame.c unit:mm_frame 'mfn_t frame_max_mfn;' 'mfn_t frame_max_mfn;'
expect 1 "one changes nothing" run
printf '= one\nfiel\tx\n' >"$list/a.txt"
expect 1 "a.txt:2: no key of a mutant: 'fiel'" run
