#!/bin/bash
# SPDX-License-Identifier: MIT
# `make mutants`: do the tests see what they are for?  Each entry of the list (lib.sh has
# its form) is applied alone to a copy of the tree, and its tests are run there until one
# fails.  run.sh MAKE [NAME|list]; PARTS=N copies work at once (2), SHARD=K/N does each N-th
# from the K-th on, RESUME=1 goes on after a run that was cut off, if nothing changed since.
#
# First the tests run on a copy without any change: where one fails there, no verdict
# of it would mean anything.  A mutant that does not compile is an error, not a kill.
# build/mutants/report.json has the figures; the last line is "N killed of N".
cd "$(dirname "$0")/../.." || exit 1
make="$1 -s --no-print-directory"
only=${2-}
. tests/mutants/lib.sh
out=$PWD/build/mutants
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
# A mutant may wait for ever; a test that was not changed takes seconds.
export CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-30}

usage() {
	echo "pasture: $1"
	exit 2
}

# --- which ---
select_names() {
	local k=1 n=1 i all=("${names[@]}")

	if [ -n "$only" ]; then
		[ -n "${m_at[$only]-}" ] ||
			usage "no mutant is called '$only'; 'make mutants T=list' lists them"
		names=("$only")
		return
	fi
	if [ -n "${SHARD-}" ]; then
		[[ $SHARD =~ ^([1-9][0-9]*)/([1-9][0-9]*)$ ]] &&
			[ "${BASH_REMATCH[1]}" -le "${BASH_REMATCH[2]}" ] ||
			usage "SHARD=$SHARD is not K/N with K from 1 to N"
		k=${BASH_REMATCH[1]} n=${BASH_REMATCH[2]}
	fi
	names=()
	for ((i = k - 1; i < ${#all[@]}; i += n)); do
		names+=("${all[i]}")
	done
}

# --- a copy of the tree; what was built comes along, so little is built again ---
copy_make() {
	rm -rf "$1"
	mkdir -p "$1"
	tar -c --exclude=./.git --exclude=./build/mutants --exclude=./build/packages \
		--exclude=./build/bench --exclude=./build/cli . | tar -x -C "$1"
	# What a fault leaves unused is only a warning there.
	sed -i '/^HOST_CFLAGS/,/^UNIT_NAMES/s/-Werror//' "$1/Makefile"
}

# test_build KIND NAME: what a test is made of.  Fails if it does not compile.
test_build() {
	case $1 in
	# One test's rules only: to read them all takes longer than to compile.
	unit) T='' $make UNIT_NAMES="$2" FUZZ_NAMES='' GUEST_DIRS='' "build/unit/$2" ;;
	boot) T='' $make build/debug/pasture build/harness ;;
	*) : ;;
	esac
}

# test_run KIND NAME: does it pass?
test_run() {
	case $1 in
	unit) timeout 300 "build/unit/$2" ;;
	*) timeout 600 $make "$1" T="$2" ;;
	esac
}

# --- one mutant, in the copy that is the working directory ---
objects() {
	find build -path "*/${m_file[$1]%.*}.o" -type f
}

# Objects of the unchanged file are put aside; what was built of the changed one goes, at the end.
mutant_begin() {
	local o

	rm -rf aside && mkdir aside
	cp -p "${m_file[$1]}" aside/source
	for o in $(objects "$1"); do
		mkdir -p "aside/$(dirname "$o")"
		cp -p "$o" "aside/$o"
	done
	touch aside/stamp
	mutant_apply "$1"
}

mutant_end() {
	cp -p aside/source "${m_file[$1]}"
	find build -newer aside/stamp -type f ! -name '*.d' -delete
	[ ! -d aside/build ] || cp -rp aside/build .
}

# Prints the verdict: "killed TEST", "survived" or "error WHY".
mutant_verdict() {
	local t kind test

	for t in ${m_tests[$1]}; do
		kind=${t%%:*} test=${t#*:}
		test_build "$kind" "$test" >build.log 2>&1 ||
			{ echo "error it does not compile: $(grep -m1 error: build.log)"; return; }
		test_run "$kind" "$test" >test.log 2>&1 || { echo "killed $t"; return; }
	done
	echo survived
}

mutant_do() {
	local verdict

	mutant_begin "$1"
	verdict=$(mutant_verdict "$1")
	mutant_end "$1"
	echo "$verdict" >"$out/results/$1"
	printf '  %-9s %s\n' "$(tr '[:lower:]' '[:upper:]' <<<"${verdict%% *}")" \
		"$1${verdict#"${verdict%% *}"}"
}

# part K: the mutants of one copy.
part() {
	local i

	cd "$out/tree.$1" || exit 1
	for ((i = $1 - 1; i < ${#names[@]}; i += parts)); do
		[ -e "$out/results/${names[i]}" ] || mutant_do "${names[i]}"
	done
}

# --- the tests, before anything is changed ---
baseline() {
	local t bad=0

	cd "$out/tree.1" || exit 1
	for t in $(for i in "${names[@]}"; do echo ${m_tests[$i]}; done | tr ' ' '\n' | sort -u); do
		if ! test_build "${t%%:*}" "${t#*:}" >build.log 2>&1 ||
			! test_run "${t%%:*}" "${t#*:}" >test.log 2>&1; then
			echo "  FAILURE  $t, with nothing changed; repeat: make ${t%%:*} T=${t#*:}"
			bad=1
		fi
	done
	return $bad
}

# --- the report ---
count() {
	local n=0 i

	for i in "${names[@]}"; do
		[ "$1" = all ] || [ "$(mutant_layer "$i")" = "$1" ] || continue
		[[ $(cat "$out/results/$i") != $2* ]] || n=$((n + 1))
	done
	echo $n
}

quoted() {
	local i first=1

	for i in "${names[@]}"; do
		[[ $(cat "$out/results/$i") = $1* ]] || continue
		[ $first = 1 ] || printf ', '
		printf '"%s"' "$i"
		first=0
	done
}

report() {
	local layer sep=''

	{
		printf '{\n  "figures": {\n    "killed": %d,\n    "total": %d,\n    "by_layer": {' \
			"$(count all killed)" "${#names[@]}"
		for layer in $(for i in "${names[@]}"; do mutant_layer "$i"; done | sort -u); do
			printf '%s\n      "%s": { "killed": %d, "total": %d }' "$sep" "$layer" \
				"$(count "$layer" killed)" "$(count "$layer" '')"
			printf '  %-10s %3d of %3d\n' "$layer" "$(count "$layer" killed)" \
				"$(count "$layer" '')" >&2
			sep=,
		done
		printf '\n    }\n  },\n  "survivors": [%s],\n  "errors": [%s]\n}\n' \
			"$(quoted survived)" "$(quoted error)"
	} >"$out/report.json"
}

mutants_read || exit 1
[ "$only" != list ] || { printf '%s\n' "${names[@]}"; exit 0; }
[[ ${PARTS:-2} =~ ^[1-9][0-9]?$ ]] || usage "PARTS=$PARTS is not a number from 1 to 99"
select_names
faults=$(for i in "${names[@]}"; do mutant_fault "$i"; done)
[ -z "$faults" ] || { echo "$faults"; exit 1; }

parts=$((${PARTS:-2} < ${#names[@]} ? ${PARTS:-2} : ${#names[@]}))
sum="$(find Makefile hv share hash guest-lib tests bench -type f -exec cksum {} + | sort | cksum) ${names[*]}"
if [ "${RESUME-}" != 1 ] || [ "$sum" != "$(cat "$out/sum" 2>/dev/null)" ]; then
	[ "${RESUME-}" != 1 ] || echo "pasture: the tree is another than before: from the start"
	rm -rf "$out"
fi
mkdir -p "$out/results"
rm -f "$out/report.json"
echo "$sum" >"$out/sum"
copy_make "$out/tree.1"
if [ ! -e "$out/baseline" ]; then
	(baseline) || { echo "pasture: tests fail with nothing changed: no verdict"; exit 1; }
	touch "$out/baseline"
fi
for ((k = 2; k <= parts; k++)); do
	(cd "$out/tree.1" && copy_make "$out/tree.$k")
done
for ((k = 1; k <= parts; k++)); do
	(part "$k") &
done
wait
report
killed=$(count all killed)
echo "$killed killed of ${#names[@]}"
[ "$killed" = "${#names[@]}" ]
