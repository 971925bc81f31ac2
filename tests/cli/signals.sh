# SPDX-License-Identifier: MIT
# Ctrl-C and TERM: no QEMU stays behind, whoever started it.
export FAKE_DIALOGUE=$dir/dialogues/silent FAKE_PID=$work/fake.pid QEMU=$dir/fake-qemu
gone() { # PID: it ends soon; whoever fetches its status may take his time
	local _

	for _ in $(seq 50); do
		grep -qs "^State:\s[^ZX]" "/proc/$1/status" || return 0
		sleep 0.1
	done
	kill -KILL "$1"
	return 1
}
pid=
trap '[ -z "$pid" ] || kill -KILL -- -$pid 2>/dev/null' EXIT
# A process group of its own, as a terminal makes it, and signals as they are there.
stops() { # SIGNAL all|one COMMAND...
	local signal=$1 who=$2 target
	shift 2

	rm -f "$FAKE_PID"
	setsid env --default-signal=INT,QUIT "$@" >"$work/signals.log" 2>&1 &
	pid=$!
	for _ in $(seq 400); do [ ! -s "$FAKE_PID" ] && kill -0 $pid || break; sleep 0.1; done
	[ -s "$FAKE_PID" ] || fail "$* started no QEMU: $(cat "$work/signals.log")"
	target=$pid
	[ "$who" = one ] || target=-$pid
	kill -"$signal" -- "$target"
	gone "$(cat "$FAKE_PID")" || fail "QEMU stays behind: $signal to $who of: $*"
	gone $pid || fail "it goes on: $signal to $who of: $*"
	wait $pid 2>/dev/null || true
	pid=
}
for how in "INT all" "TERM one"; do
	# shellcheck disable=SC2086
	set -- $how
	stops "$1" "$2" "$harness" run GUESTS=1
	stops "$1" "$2" bash bench/run-named.sh bench bench/benches cow-ways
	stops "$1" "$2" bash bench/run-named.sh bench bench/benches destroy
	stops "$1" "$2" env FILES=/etc/passwd bash bench/run-named.sh job bench/jobs grants
	stops "$1" "$2" bash bench/run-named.sh job bench/jobs trace
	stops "$1" "$2" bash bench/run-named.sh soak tests/soak create-destroy
	stops "$1" "$2" bash tests/differential/run.sh
done

# Nobody reads on: `make run | head -2`.
rm -f "$FAKE_PID"
FAKE_DIALOGUE=$dir/dialogues/hang
began=$SECONDS
out=$("$harness" run GUESTS=2 TIMEOUT=60 2>"$work/stderr" | head -n 2)
[ $((SECONDS - began)) -lt 20 ] || fail "it went on for $((SECONDS - began)) seconds"
gone "$(cat "$FAKE_PID")" || fail "QEMU stays behind a closed pipe"
grep -q "nobody reads what is printed here: stopped" "$work/stderr" || fail "no word"
