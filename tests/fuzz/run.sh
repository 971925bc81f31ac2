#!/bin/bash
# SPDX-License-Identifier: MIT
# Build and run the fuzz targets: run.sh MAKE [NAME...|list].  Each is a host
# program tests/fuzz/NAME.c under ASan and UBSan, called with the number of
# operations (N=, its own default without) and a seed (SEED=, else drawn and
# printed: the same seed repeats the run).
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
failed=
for name in "$@"; do
	seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
	echo "fuzz $name: seed $seed (repeat: make fuzz T=$name SEED=$seed${N:+ N=$N})"
	if ! T='' $make "build/fuzz/$name" ||
	   ! "build/fuzz/$name" "$seed" "${N:-0}"; then
		failed="$failed $name"
	fi
done
[ -z "$failed" ] || { echo "pasture: fuzz failed:$failed" >&2; exit 1; }
