# SPDX-License-Identifier: MIT
# PEER=: what is refused before anything is started; and KSM's settings come back, however
# the run ends.
# Beside others (9 s): KSM is no other test's.
k=build/guest/minimal.elf
ksm=/sys/kernel/mm/ksm
head -c 8000000 /dev/zero >"$work/initrd"
lx() {
	"$harness" linux KERNEL=$k INITRD="$work/initrd" DIR="$work/peer" GUESTS=2 SHARING=1 "$@"
}
refuses "PEER=uksm: wanted ksm" lx PEER=uksm
refuses "PEER=ksm is for guests that share: SHARING=1 VIA=pasture JOB=full" lx PEER=ksm SHARING=0
refuses "PEER=ksm is for guests that share" lx PEER=ksm VIA=plain
refuses "PEER=ksm is for guests that share" lx PEER=ksm JOB=quick
if [ ! -e $ksm/run ]; then
	refuses "PEER=ksm: this host's kernel has no KSM; leave it out" lx PEER=ksm
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	refuses "need root; leave it out" lx PEER=ksm
	exit 0
fi
settings() {
	cat $ksm/{run,sleep_millisecs,pages_to_scan,use_zero_pages} 2>/dev/null
}
before=$(settings)
if [ "$(cat $ksm/run)" = 1 ]; then
	refuses "PEER=ksm: KSM runs already, for others; leave it out" lx PEER=ksm
	exit 0
fi

# The guests on Pasture are a dialogue; of those that follow one says nothing, the others
# work when they should rest, so that their figures at rest would be none.  They are given up;
# then the program is killed in their midst.  What a guest was started with is not written again
# for the next: QEMU has it mapped, and dies.
rm -rf "$work/peer-first"
cat >"$work/peer-qemu" <<EOF
#!/bin/bash
case "\$*" in *ttyS0*)
	mkdir "$work/peer-first" 2>/dev/null ||
		printf '@guest userspace uptime=1 memory_kb=1 job=full\n@guest job ok=1\n'
	exec sleep 60 ;;
esac
exec $dir/fake-qemu "\$@"
EOF
chmod +x "$work/peer-qemu"
export FAKE_DIALOGUE=$dir/dialogues/linux-shares
expect 1 "did not reach user space: still running after" \
	lx PEER=ksm QEMU="$work/peer-qemu" TIMEOUT=4
grep -q "WRONG: QEMU + KSM, guests as found: guest g[12] did not wait before its job: still running" <<<"$out" ||
	fail "no word of the other guest"
for kind in found tuned; do
	[ -e "$work/peer/ksm-$kind/g1.log.qemu" ] || fail "no log of g1, $kind"
	[ ! "$work/peer/ksm-$kind/initrd.gz" -nt "$work/peer/ksm-$kind/g1.log.qemu" ] ||
		fail "a RAM disk was written while a guest had it: $kind"
done
[ "$(settings)" = "$before" ] || fail "KSM's settings are not as they were: $(settings)"
# One that dies says of what.
cat >"$work/peer-dies" <<EOF
#!/bin/bash
case "\$*" in *ttyS0*) kill -BUS \$\$ ;; esac
exec $dir/fake-qemu "\$@"
EOF
chmod +x "$work/peer-dies"
expect 1 " did not reach user space: QEMU was killed by signal 7, Bus error (it says nothing)" \
	lx PEER=ksm QEMU="$work/peer-dies" TIMEOUT=4
setsid "$harness" linux KERNEL=$k INITRD="$work/initrd" DIR="$work/peer" GUESTS=2 SHARING=1 PEER=ksm \
	QEMU="$work/peer-qemu" TIMEOUT=30 >/dev/null 2>&1 &
pid=$!
for _ in $(seq 100); do [ "$(cat $ksm/run)" = 1 ] && break; sleep 0.1; done
changed=$(settings)
kill -KILL $pid
wait $pid 2>/dev/null || true
# KSM ends the pass that it is in before it takes a setting: a million pages, of whoever runs here.
for _ in $(seq 600); do [ "$(settings)" = "$before" ] && break; sleep 0.1; done
[ "$changed" != "$before" ] || fail "KSM was never started"
[ "$(settings)" = "$before" ] || fail "killed, it left KSM's settings: $(settings)"
