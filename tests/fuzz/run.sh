#!/bin/bash
# SPDX-License-Identifier: MIT
# Build and run the fuzz targets: run.sh MAKE [NAME...|list].  Each is a host
# program tests/fuzz/NAME.c under ASan and UBSan, called with the number of
# operations (N=, its own default without) and a seed (SEED=, else drawn and
# printed: the same seed repeats the run).  With DRIVER=cov AFL++ looks for
# inputs that reach further code, SECONDS= for each (300), from those of
# tests/fuzz/corpus/NAME on, one a line in base64; KEEP=1 puts there what is
# needed to reach all that was reached.
# The Makefile hands SECONDS on as COV_SECONDS: the shell has a use of its own for it.
seconds=${COV_SECONDS:-300}
cd "$(dirname "$0")/../.." || exit 1
make="$1 -s --no-print-directory"
shift
shopt -s nullglob
names=$(for f in tests/fuzz/*.c; do basename "$f" .c; done)
if [ "${1-}" = list ]; then
	echo "$names"
	exit 0
fi
# shellcheck disable=SC2086
[ $# != 0 ] || set -- $names
for name in "$@"; do
	[ -e "tests/fuzz/$name.c" ] ||
		{ echo "pasture: no fuzz target '$name'; 'make fuzz T=list' lists them" >&2; exit 2; }
done

by_seed() { # NAME
	local seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
	echo "fuzz $1: seed $seed (repeat: make fuzz T=$1 SEED=$seed${N:+ N=$N})"
	T='' $make "build/fuzz/$1" && "build/fuzz/$1" "$seed" "${N:-0}"
}

# What is kept, or else bytes of all kinds; none longer than -G allows, so that what is
# kept stays small.
seeds() { # NAME FOLDER
	local i=0 line
	rm -rf "$2"
	mkdir -p "$2"
	[ ! -e "tests/fuzz/corpus/$1" ] || while read -r line; do
		base64 -d <<<"$line" >"$2/$((++i))"
	done <"tests/fuzz/corpus/$1"
	[ $i != 0 ] || for i in 40 200 800; do
		perl -e 'srand $ARGV[0]; print chr int rand 256 for 1 .. $ARGV[0]' $i >"$2/$i"
	done
}

stat_of() { # NAME KEY
	awk -v key="$2" '$1 == key { print $3 }' "build/cov/run/$1/default/fuzzer_stats"
}

by_coverage() { # NAME
	local dir=build/cov/run/$1 least=build/cov/least/$1 crashes
	T='' $make "build/cov/$1" || return 1
	seeds "$1" "build/cov/seeds/$1"
	rm -rf "$dir" "$least"
	mkdir -p "$dir" build/cov/least
	AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_FORKSRV_INIT_TMOUT=60000 \
		afl-fuzz -i "build/cov/seeds/$1" -o "$dir" -m none -t 20000 -G 1000 -V "$seconds" -- "build/cov/$1" \
		>"build/cov/$1.log" 2>&1 || { tail -n 5 "build/cov/$1.log"; return 1; }
	crashes=("$dir"/default/crashes/id* "$dir"/default/hangs/id*)
	echo "fuzz $1: $(stat_of "$1" execs_done) inputs in $(stat_of "$1" run_time) s, $(stat_of "$1" corpus_count) kept, $(stat_of "$1" bitmap_cvg) of its branches reached, ${#crashes[@]} crashes or hangs"
	[ ${#crashes[@]} = 0 ] || { echo "fuzz $1: build/cov/$1 <${crashes[0]}"; return 1; }
	[ -n "${KEEP-}" ] || return 0
	AFL_SKIP_BIN_CHECK=1 afl-cmin -i "$dir/default/queue" -o "$least" -m none -t 20000 -- "build/cov/$1" \
		>>"build/cov/$1.log" 2>&1 || { tail -n 5 "build/cov/$1.log"; return 1; }
	mkdir -p tests/fuzz/corpus
	for f in "$least"/*; do base64 -w 0 "$f"; echo; done | sort >"tests/fuzz/corpus/$1"
}

refuse() {
	echo "pasture: $*" >&2
	exit 2
}
case ${DRIVER:-seed} in
seed) run=by_seed ;;
cov) run=by_coverage ;;
*) refuse "DRIVER=$DRIVER: seed or cov" ;;
esac
[[ $seconds =~ ^[1-9][0-9]{0,6}$ ]] || refuse "SECONDS=$seconds: wanted a number from 1"
[ $run = by_seed ] || [ -z "${N-}${SEED-}" ] || refuse "N= and SEED= are for the other driver; DRIVER=cov takes SECONDS="
[ $run = by_seed ] || .ci/deps.sh fuzz || exit 1
failed=
for name in "$@"; do
	$run "$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "pasture: fuzz failed:$failed" >&2; exit 1; }
