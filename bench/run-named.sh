#!/bin/bash
# SPDX-License-Identifier: MIT
# Run the scripts of one folder by name: run-named.sh KIND FOLDER [NAME...|list].
# `make bench`, `make soak` and `make run T=NAME` end up here.  A script is
# FOLDER/NAME.sh; its second line that starts with "# " says what it does.
# Without a name all of them run, going on after a failure.
cd "$(dirname "$0")/.." || exit 1
. bench/own.sh
. bench/stamp.sh
kind=$1 folder=$2
shift 2

names() {
	local f

	for f in "$folder"/*.sh; do
		[ ! -e "$f" ] || basename "$f" .sh
	done
}

if [ "${1-}" = list ]; then
	for name in $(names); do
		printf '%-16s %s\n' "$name" \
			"$(sed -n '/^# SPDX/d;s/^# //p' "$folder/$name.sh" | head -n 1)"
	done
	exit 0
fi
[ $# != 0 ] || mapfile -t all < <(names)

# In a session of its own, so that whatever it has started ends when we are told to end.  A job
# has this terminal, and may read it: make's own end is its.
run() {
	[ "$kind" != job ] || exec bash "$1"
	setsid bash "$1" </dev/null &
	child=$!
	wait $child
}
trap '[ -z "${child-}" ] || kill -TERM -- -$child 2>/dev/null; exit 130' INT TERM HUP
[ "$kind" = job ] || own build/"$kind"
failed=
for name in "$@" "${all[@]}"; do
	if [ ! -e "$folder/$name.sh" ]; then
		echo "pasture: no $kind is called '$name'; there are:" $(names) >&2
		exit 2
	fi
	[ "$kind" != bench ] || rm -f build/bench/"$name".{json,dat,svg}
	run "$folder/$name.sh" || failed="$failed $name"
	[ "$kind" != bench ] || [ ! -e build/bench/"$name".json ] || stamp build/bench/"$name".json
done
[ -z "$failed" ] || { echo "pasture: $kind failed:$failed" >&2; exit 1; }
