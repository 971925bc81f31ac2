#!/bin/bash
# SPDX-License-Identifier: MIT
# `make mutants`: do the tests see what they are for?  Each entry of the list (lib.sh has
# its form) is applied alone to a copy of the tree, and its tests are run there until one
# fails.  run.sh MAKE [NAME...|list]; PARTS=N copies work at once (2), SHARD=K/N does each N-th
# from the K-th on, RESUME=1 goes on after a run that was cut off, if nothing changed since.
#
# Before its first mutant a test runs on a copy without any change: where it fails there, no
# verdict of it would mean anything.  A mutant that does not compile is an error, not a kill.
# build/mutants/report.json has the figures; the last line is "N killed of N".  Mutants by
# name work in build/mutants/named: what a whole run found stays.  KIND=sim: their tests of that kind only.
cd "$(dirname "$0")/../.." || exit 1
make="$1 -s --no-print-directory"	# T=, else ours comes along
shift
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
# KIND=: the mutants that have such a test, and no other test.
select_kind() {
	local i kept=()

	for i in "${names[@]}"; do
		m_tests[$i]=$(tr -s ' ' '\n' <<<"${m_tests[$i]}" | grep "^$KIND:" | tr '\n' ' ')
		[ -z "${m_tests[$i]}" ] || kept+=("$i")
	done
	names=("${kept[@]}")
}

select_names() {
	local k=1 n=1 i all=("${names[@]}")

	if [ $# != 0 ]; then
		for i in "$@"; do
			[ -n "${m_at[$i]-}" ] ||
				usage "no mutant is called '$i'; 'make mutants T=list' lists them"
		done
		names=("$@") out+=/named
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

tests_named() {
	local i

	for i in "${names[@]}"; do
		printf '%s\n' ${m_tests[$i]}
	done | sort -u
}

# --- a copy of the tree; what was built comes along, so little is built again ---
copy_make() {
	rm -rf "$1"
	mkdir -p "$1"
	tar -c --exclude=./.git --exclude=./build/mutants --exclude=./build/packages \
		--exclude=./build/cli . | tar -x -C "$1"
	[ ! -e build/packages ] || ln -s "$PWD/build/packages" "$1/build/packages"
	# What a fault leaves unused is only a warning there.
	sed -i 's/-Werror//' "$1/Makefile" "$1/tests/sim/sim.mk"
}

# In the tree itself: what no mutant changes is built once, for all copies and runs.
build_first() {
	local t unit=() boot=()

	for t in $(tests_named); do
		case $t in
		unit:*) unit+=("build/unit/${t#*:}") ;;
		sim:*) unit+=(build/sim/sim) ;;
		boot:*) boot+=("${t#*:}") ;;
		esac
	done
	$make T= "${unit[@]}" >"$out/build.log" 2>&1 || return 1
	[ ${#boot[@]} = 0 ] ||
		$make T="${boot[0]}" boot >>"$out/build.log" 2>&1
}

# test_build KIND NAME: what a mutant may have changed.  Fails if it does not compile.
test_build() {
	case $1 in
	# One test's rules only: to read them all takes longer than to compile.
	unit) $make T= UNIT_NAMES="$2" FUZZ_NAMES='' GUEST_DIRS='' "build/unit/$2" ;;
	sim) $make T= UNIT_NAMES='' FUZZ_NAMES='' GUEST_DIRS='' build/sim/sim ;;
	boot) $make T= UNIT_NAMES='' FUZZ_NAMES='' build/debug/pasture build/harness guest \
		$([[ $2 != linux-share* ]] || echo build/linux/share-cloud-amd64.gz) ;;
	*) : ;;
	esac
}

# unit_run NAME SECONDS: up to the first check that fails; it dies when it tells of the next.
unit_run() {
	local status

	CK_TAP_LOG_FILE_NAME=/dev/fd/3 timeout -k 5 "$2" "build/unit/$1" 3>&1 >unit.log 2>&1 |
		grep -m 1 '^not ok'
	status=${PIPESTATUS[0]}
	cat unit.log
	return "$status"
}

# test_run KIND NAME SECONDS: does it pass?
test_run() {
	case $1 in
	unit) unit_run "$2" "$3" ;;
	sim) timeout -k 5 "$3" build/sim/sim "$2" ;;
	boot) timeout -k 5 "$3" build/harness boot-test "$2" ;;
	*) timeout -k 5 "$3" $make "$1" T="$2" ;;
	esac
}

# --- a test, before anything is changed: how many seconds, or "fails" ---
sound() {
	local seen=$out/sound/${1//[:\/]/.} began=$SECONDS

	if [ ! -e "$seen" ]; then
		if test_build "${1%%:*}" "${1#*:}" >build.log 2>&1 &&
			test_run "${1%%:*}" "${1#*:}" 600 >test.log 2>&1; then
			echo $((SECONDS - began)) >"$seen"
		else
			echo "  FAILURE  $1, with nothing changed; repeat: make ${1%%:*} T=${1#*:}"
			cp test.log "$seen.log"
			echo fails >"$seen"
		fi
	fi
	seconds=$(cat "$seen")
	[ "$seconds" != fails ]
}

# --- one mutant, in the copy that is the working directory ---
objects() {
	find build -type f \( -path "*/${m_file[$1]%.*}.o" -o -path "*/${m_file[$1]}.o" \)
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

# Which check failed, of a test that did.
failed_check() {
	grep -aoE -m 1 '^not ok .*|(ERROR: |runtime error: |FAILURE ).*' test.log |
		sed 's/^not ok [^:]*://' | grep . || tail -n 1 test.log
}

# test_verdict TEST: "killed TEST CHECK" or "error WHY"; fails if the test passes.
test_verdict() {
	local kind=${1%%:*} test=${1#*:} seconds status

	seconds=$(cat "$out/sound/${1//[:\/]/.}")
	test_build "$kind" "$test" >build.log 2>&1 || {
		echo "error it does not compile: $(grep -m1 -E 'error:|undefined' build.log)"
		return 0
	}
	test_run "$kind" "$test" $((10 * seconds + 60)) >test.log 2>&1
	status=$?
	[ $status != 0 ] || return 1
	[ $status != 124 ] && [ $status != 137 ] || echo 'it did not end' >>test.log
	echo "killed $1 $(failed_check | cut -c 1-120)"
}

# The verdict on one that is applied.
mutant_verdict() {
	local t

	for t in ${m_tests[$1]}; do
		! test_verdict "$t" || return
	done
	echo survived
}

mutant_do() {
	local verdict t

	for t in ${m_tests[$1]}; do
		sound "$t" || verdict="error $t fails with nothing changed"
	done
	if [ -z "$verdict" ]; then
		mutant_begin "$1"
		verdict=$(mutant_verdict "$1")
		mutant_end "$1"
	fi
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
[ "${1-}" != list ] || { printf '%s\n' "${names[@]}"; exit 0; }
[[ ${PARTS:-2} =~ ^[1-9][0-9]?$ ]] || usage "PARTS=$PARTS is not a number from 1 to 99"
select_names "$@"
faults=$(for i in "${names[@]}"; do mutant_fault "$i"; done)
[ -z "$faults" ] || { echo "$faults"; exit 1; }

[ -z "${KIND-}" ] || select_kind
[ ${#names[@]} != 0 ] || usage "KIND=${KIND-}: no fault has such a test; unit, boot, sim or cli"
parts=$((${PARTS:-2} < ${#names[@]} ? ${PARTS:-2} : ${#names[@]}))
sum="$(find Makefile hv share hash guest-lib tests bench -type f -exec cksum {} + | sort | cksum) ${KIND-} ${names[*]}"
if [ "${RESUME-}" != 1 ] || [ "$sum" != "$(cat "$out/sum" 2>/dev/null)" ]; then
	[ "${RESUME-}" != 1 ] || echo "pasture: the tree is another than before: from the start"
	rm -rf "$out/results" "$out/sound"
fi
mkdir -p "$out/results" "$out/sound"
rm -rf "$out/report.json" "$out"/tree.*
echo "$sum" >"$out/sum"
build_first || { echo "pasture: the tests cannot be built: $out/build.log"; exit 1; }
for ((k = 1; k <= parts; k++)); do
	copy_make "$out/tree.$k"
done
for ((k = 1; k <= parts; k++)); do
	(part "$k") &
done
wait
rm -rf "$out"/tree.*
report
killed=$(count all killed)
echo "$killed killed of ${#names[@]}"
[ "$killed" = "${#names[@]}" ]
