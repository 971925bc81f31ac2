#!/bin/bash
# SPDX-License-Identifier: MIT
# a watch of the control channel beside 200 guests that want the CPU: its part of the machine's time
# reads: CPU_MODEL QEMU TIMEOUT
. bench/machine.sh
. bench/figure.sh
: "${TIMEOUT:=300}"
export TIMEOUT
export -n ACCEL	# make exports it; the harness takes tcg or kvm
ACCEL=tcg,thread=single APPEND=ctl=com2
sock=$B/control.sock
rm -f "$sock" build/jobs/control/console.log
# Under -icount a nanosecond is an instruction: the figures do not depend on the host.
machine control 4096 1 -icount shift=0,sleep=off -chardev socket,id=c,path="$sock",server=on,wait=off \
	-serial chardev:c >"$B/control.log" 2>&1 <<'LIST' &
domain name=s kernel=bystander.elf memory=8M count=200 group=t1 cmdline="ms=600000 share=64"
LIST
machine=$!
trap 'kill $machine 2>/dev/null || :; rm -f "$sock"' EXIT
for ((i = 0; i < 600; i++)); do
	grep -q '^@dom id=200 .*state=created' build/jobs/control/console.log 2>/dev/null && break
	kill -0 $machine 2>/dev/null || { echo "control: the machine ended: $B/control.log" >&2; exit 1; }
	sleep 0.2
done

# The first update, which says all guests, and 20 more.
build/pasturectl -s "$sock" --json watch 2>"$B/control.err" | head -n 22 >"$B/control.lines"
[ "$(wc -l <"$B/control.lines")" = 22 ] || { echo "control: $(cat "$B/control.err")" >&2; exit 1; }
at() { # LINE KEY
	sed -n "$1p" "$B/control.lines" | jq ".machine.$2"
}
between() { # KEY
	echo $(($(at 22 "$1") - $(at 2 "$1")))
}
ms=$(between t_ms) us=$(between control_us) bytes=$(between control_bytes)
guests=$(sed -n 22p "$B/control.lines" | jq '.guests | length')
figure_add control_guests "$guests"
figure_add control_update_ms $((ms / 20))
ppm=$((us * 1000 / ms)) first=$(($(at 2 control_us) - $(at 1 control_us)))
figure_add control_ppm $ppm
figure_add control_first_us $first
figure_add control_bytes_per_update $((bytes / 20))
figures_write control
printf '%s guests, an update each %s ms of %s bytes: %s ppm of one CPU; the first, of all guests, %s us\n' \
	"$guests" $((ms / 20)) $((bytes / 20)) $ppm $first
[ "$guests" = 200 ] && [ $ppm -lt 10000 ] && [ $((ms / 20)) = 1000 ] ||
	{ echo "control: not 200 guests, an update a second, under 10,000 ppm" >&2; exit 1; }
