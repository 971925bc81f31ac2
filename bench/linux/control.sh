# SPDX-License-Identifier: MIT
# Sourced by dom0-init: pasturectl in the first domain, beside xl, on one guest that xl made.

# The same guests as xl has, and its words where it changes something.
control_shows() {
	xl create -q -p "$(guest born /guest.elf 16 'seclabel="web"')" || return 1
	pasturectl list >/tmp/said || return 1
	cat /tmp/said
	grep -qE '^dom0 +0 .* running' /tmp/said && grep -qE '^dom[0-9]+ +[0-9]+ +web +paused' /tmp/said || return 1
	born=$(xl domid born)
	pasturectl unpause "id=$born" && until_said born "Test result: SUCCESS" && pasturectl snapshot || return 1
	pasturectl --json stats >/tmp/said && grep -q '"domains": 2' /tmp/said &&
		pasturectl --prometheus -o /tmp/pasture.prom list && grep '^pasture_guest_max_bytes{.*group="web"' /tmp/pasture.prom
}

# control_refuses WORDS COMMAND...: one line, which has the words, and status 1.
control_refuses() {
	words=$1
	shift
	pasturectl "$@" >/tmp/said 2>&1
	[ $? = 1 ] && [ "$(wc -l </tmp/said)" = 1 ] && grep -F "$words" /tmp/said || { cat /tmp/said; return 1; }
}

control_leaves_to_xl() {
	control_refuses "in the first domain xl create does that" start domain name=x kernel=guest memory=8M &&
		control_refuses "in the first domain xl console does that" console "id=$born" &&
		control_refuses "in the first domain xl destroy does that" destroy "id=$born" &&
		control_refuses "dom0 is where that was asked" pause dom0 &&
		control_refuses "no domain is called nosuch" pause nosuch &&
		control_refuses "a guest keeps its group" group "id=$born" other && xl list born
}

# Two watches, one of which is stopped, and commands beside them; the stopped one goes on.
control_two_readers() {
	pasturectl watch >/tmp/one &
	one=$!
	pasturectl watch >/tmp/two &
	two=$!
	usleep 2500000
	kill -STOP $one
	for i in 1 2 3 4 5; do
		pasturectl list >/tmp/said || return 1
	done
	usleep 2500000
	kill -CONT $one
	usleep 1500000
	kill $one $two
	wait $one $two
	wc -l /tmp/one /tmp/two
	[ "$(wc -l </tmp/two)" -ge 4 ] && [ "$(grep -c ' guests  memory ' /tmp/one)" -ge 3 ]
}

# Clients that end without a word: their sessions are another one's after a while.  One of five
# is refused, whichever comes last: each writes to a file of its own.
control_killed() {
	for i in 1 2 3 4 5; do
		pasturectl watch >/tmp/watch$i 2>&1 &
	done
	i=0
	until grep -h "all sessions are in use" /tmp/watch[1-5]; do
		i=$((i + 1))
		[ $i -lt 20 ] || return 1
		sleep 1
	done
	kill -KILL $(pidof pasturectl)
	i=0
	until pasturectl list; do
		i=$((i + 1))
		[ $i -lt 20 ] || return 1
		sleep 1
	done
}

# An answer to each line, good and bad.
control_many() {
	i=0
	while [ $i -lt 200 ]; do
		echo "list"
		echo "pause nosuch$i"
		echo "$i x"
		i=$((i + 1))
	done >/tmp/lines
	pasturectl raw </tmp/lines >/tmp/good 2>/tmp/bad || return 1
	grep -c "^ok list n=2" /tmp/good
	[ "$(grep -c '^ok list n=2' /tmp/good)" = 200 ] && [ "$(grep -c ESRCH /tmp/bad)" = 200 ] &&
		[ "$(grep -c ENOSYS /tmp/bad)" = 200 ]
}

control_steps() {
	step control_shows control_shows
	step leaves_to_xl control_leaves_to_xl
	step two_readers control_two_readers
	step killed control_killed
	step many control_many
	step control_end xl destroy born
}
