#!/bin/bash
# SPDX-License-Identifier: MIT
# Count the functions and files of the two walks of hv/DESIGN.md: run.sh [TREE], another tree's
# sources (an older commit's).  Needs build/inc (any make).  In each walk, from the call's or
# fault's handler on.  A reader visits a function that calls others; a leaf is a word.
cd "$(dirname "$0")/../.." || exit 1
here=$PWD
cd "${1:-.}" || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags="-std=gnu11 -O0 -gdwarf-4 -w -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ -D__XEN_TOOLS__
-D_GNU_SOURCE -Itests/port -iquote hv -iquote tests -iquote . -iquote bench -Ihv/abi -Ihash/include
-Ishare/include -iquote $here/tests -isystem $here/build/inc -DDEBUG=0 -DTEST_BUILD=0 -fno-pie"
# fake_ram.c marks what nobody may touch; the walks leave their domains.
export ASAN_OPTIONS=detect_leaks=0
walks=$here/tests/walks/walks.c

# compile FLAGS FILE...
compile() {
	local extra=$1 f
	shift

	for f; do
		# shellcheck disable=SC2086
		gcc $flags $extra -c -o "$dir/$(tr / _ <<<"${f#"$here"/}").o" "$f" || exit 1
	done
}

page_flags() {
	case $1 in
	*_sse2.c) echo "-msse2" ;;
	*_avx2.c) echo "-mavx2" ;;
	*_avx512.c) echo "-mavx512f -mavx512bw" ;;
	esac
}

files=$(sed -n 's/.*links: *//p' tests/fake/machine.links)
# shellcheck disable=SC2046
for f in $(ls $files tests/fake/fake_breaks.c $(grep -v '^//' tests/fake/machine.links) 2>/dev/null | sort -u); do
	case $f in
	tests/*) compile "" "$f" ;;
	*) compile "-finstrument-functions $(page_flags "$f")" "$f" ;;
	esac
done
compile "" "$walks"
gcc -no-pie -fsanitize=address -o "$dir/walks" "$dir"/*.o -lcheck -lsubunit -lrt -lm -lpthread || exit 1
"$dir/walks" >"$dir/trace" || { cat "$dir/trace"; exit 1; }
for walk in offer write; do
	grep "^$walk " "$dir/trace" | cut -d' ' -f2 >"$dir/kinds"
	grep "^$walk " "$dir/trace" | cut -d' ' -f3 | addr2line -f -e "$dir/walks" | paste "$dir/kinds" - - |
		sed -nE 's|\t[^\t]*/((hv\|share\|hash)/[^:]*):.*|\t\1|p' >"$dir/list"
	awk -F'\t' -v walk="$walk" '
		$3 !~ /\.c$/ { words++; next }
		{ files[$3] }
		$1 == "step" { steps++; step_files[$3] }
		END {
			printf "%s: %d functions that call others in %d files; with their leaves %d in %d; and %d words of headers\n",
				walk, steps, length(step_files), NR - words, length(files), words
		}' "$dir/list"
	[ -z "${V-}" ] || cat "$dir/list"
done
