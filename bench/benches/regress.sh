#!/bin/bash
# SPDX-License-Identifier: MIT
# share-floor's figures, this tree over BASE= (a commit; HEAD): PAIRS= of runs in turn (5), with their spread
# reads: BASE PAIRS PAGES
. bench/host/lib.sh
base=${BASE:-HEAD} pairs=${PAIRS:-5} pages=${PAGES:-32768}
tree=$B/regress
commit=$(git rev-parse --verify -q "$base^{commit}") ||
	{ echo "pasture: BASE=$base is no commit" >&2; exit 2; }

# This tree's bench with that commit's engine: what is measured is the same.
rm -rf "$tree"
mkdir -p "$tree/build/bench" "$tree/now/build/bench"
git archive "$commit" | tar -x -C "$tree" || exit 1
cp bench/host/*.[ch] "$tree/bench/host/"
touch "$tree/build/.deps"
make -s --no-print-directory "$B/host/share-floor" T= || exit 1
make -s --no-print-directory -C "$tree" build/bench/host/share-floor T= ||
	{ echo "pasture: BASE=$base has an interface that this bench does not fit" >&2; exit 1; }

# figures_of FOLDER: "NAME NS" lines
figures_of() {
	tr ',{}' '\n' <"$1/build/bench/share-floor.json" | sed -n 's/^ *"\([a-z_]*\)_ns": \([0-9.]*\) *$/\1 \2/p' |
		grep -v _floor
}

now=$PWD/$B/host/share-floor
: >"$tree/pairs"
for ((i = 0; i < pairs; i++)); do
	(cd "$tree" && build/bench/host/share-floor "$pages" 3 >/dev/null) || exit 1
	(cd "$tree/now" && "$now" "$pages" 3 >/dev/null) || exit 1
	join <(figures_of "$tree/now" | sort) <(figures_of "$tree" | sort) >>"$tree/pairs"
done
printf '%s\n' "This tree / ${commit:0:12}, CPU time of an offer, $pairs pairs of runs in turn" ''
printf '  %-14s %8s %8s %8s\n' offer median least most
while read -r name median least most; do
	printf '  %-14s %8s %8s %8s\n' "$name" "$median" "$least" "$most"
	figure_add "${name}_over_base" "$median"
	figure_add "${name}_least" "$least"
	figure_add "${name}_most" "$most"
done < <(awk '{ printf "%s %.3f\n", $1, $2 / $3 }' "$tree/pairs" | sort -k1,1 -k2,2n |
	awk '{ if ($1 != name && n) out(); if ($1 != name) n = 0; name = $1; v[n++] = $2 }
	     function out() { print name, v[int(n / 2)], v[0], v[n - 1] }
	     END { if (n) out() }')
figures_write regress
echo
echo "  $B/regress.json"
