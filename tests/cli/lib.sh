# SPDX-License-Identifier: MIT
# For the tests in this folder: each NAME.sh is run from the top of the tree
# under bash -e, and succeeds (0), is skipped (77) or fails.
harness=${HARNESS:-build/harness}
dir=$PWD/tests/cli
work=$PWD/$CLI_WORK
mkdir -p "$work"

fail() {
	echo "$1"
	[ -z "${out-}" ] || printf '%s\n' "$out" | sed 's/^/    | /'
	exit 1
}

# expect STATUS TEXT COMMAND...: it ends with STATUS and prints TEXT.
expect() {
	local want=$1 text=$2 status=0

	shift 2
	out=$("$@" 2>&1) || status=$?
	[ "$status" = "$want" ] || fail "exit $status, wanted $want: $*"
	grep -qF -- "$text" <<<"$out" || fail "no '$text' from: $*"
}

# refuses TEXT COMMAND...: a user's mistake: exit 2, one line, with TEXT.
refuses() {
	expect 2 "$@"
	[ "$(wc -l <<<"$out")" = 1 ] || fail "more than one line: ${*:2}"
}

# What the guests of a dialogue are handed: the pages that they say they saved are nearly all
# that a perfect deduplicator saves of these.
files() {
	[ -e "$work/pages" ] || head -c $((2900 * 4096)) /dev/urandom >"$work/pages"
	echo "$work/pages"
}

# plays DIALOGUE STATUS TEXT [OPTION...]: two guests, the machine is a fake.
plays() {
	local dialogue=$1 status=$2 text=$3

	shift 3
	FAKE_DIALOGUE=$dir/dialogues/$dialogue expect "$status" "$text" \
		"$harness" run GUESTS=2 QEMU="$dir/fake-qemu" TIMEOUT=20 FILES="$(files)" "$@"
}
