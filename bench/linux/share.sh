# SPDX-License-Identifier: MIT
# Sourced by init where there is pasture.ko.  The module is loaded with the words of
# pasture=cache=0,balloon=0 on the command line; pasture=off: not at all.
#   job=share          every way in which a shared page comes to be private
#   job=share-mappers  exit and fork of mappers beside a writer, seconds=N
#   job=share-idle     shared, at rest, seconds=N
#   job=share-killed   ends at once while filler's frames are given back; two CPUs
#   job=share-absent   the hypervisor has no such call: it says so, and does nothing
#   job=share-bad      parameters that are refused; loaded twice
#   job=share-stress   files, pipelines, memory, cut files, mappers, for minutes=N
#   job=share-bench    what is counted: the end of this file
folder=/sys/kernel/pasture

share_number() {
	cat $folder/"$1"
}

# share_read NAME FILE: its first line, by the shell itself: a guest at rest starts nothing.
share_read() {
	read -r "$1" <$folder/"$2"
}

# A second, in the same way.
share_second() {
	read -r -t 1 nothing <>/tmp/never
	:
}

share_load() {
	# Now: a program that starts once all is at rest maps all of busybox again.
	[ -e /tmp/never ] || busybox mkfifo /tmp/never || return 1
	# shellcheck disable=SC2086
	insmod /lib/pasture.ko "$@" $(echo "${pasture-}" | tr , ' ')
}

# share_near A B: within 64 pages of each other
share_near() {
	[ $(($1 - $2)) -le 64 ] && [ $(($2 - $1)) -le 64 ]
}

# What came to rest: pages shared, and memory given back, within 64 pages for as long
# as the balloon may rest after pressure, and longer.
share_settle() {
	sharing=0 out=0 same=0 i=0
	while [ $same -lt 5 ] && [ $i -lt 90 ]; do
		share_read now pages_sharing && share_read given balloon/out || return 1
		if share_near "$now" $sharing && share_near "$given" $out; then
			same=$((same + 1))
		else
			sharing=$now out=$given same=0
		fi
		i=$((i + 1))
		share_second
	done
	[ $same = 5 ]
}

# share_add NAME FILE: a word of what share_say says.
share_add() {
	share_read value "$2" && out="$out $1=$value"
}

# A console line has 240 characters at most; the rest would be a line of its own.
share_say() {
	out="state=$1"
	share_add sharing pages_sharing
	share_add breaks breaks
	share_add owned pages_owned
	share_add out balloon/out
	share_add names_wrong names_wrong
	for kind in text rodata reserved vmalloc cache free large; do
		share_add $kind $kind/shared
	done
	for word in offered accepted; do
		share_read text text/$word && share_read value rodata/$word
		out="$out image_$word=$((text + value))"
	done
	say "share $out" >/dev/console
	out=
	while read -r use pages zero; do
		out="$out $use=$pages,$zero"
	done <$folder/private
	say "private state=$1$out" >/dev/console
	out="state=$1"
	for word in given taken pressure oom out; do
		share_add $word balloon/$word
	done
	say "moved $out" >/dev/console
}

# Loaded, at rest, and told to the harness.
share_start() {
	share_load || return 1
	share_settle || return 1
	share_say idle
	hold_here
}

# All settled again after the job.
share_end() {
	share_settle || return 1
	share_say done
	[ "$(share_number names_wrong)" = 0 ]
}

# share_at_least FILE NUMBER
share_at_least() {
	n=$(share_number "$1")
	[ "$n" -ge "$2" ] || { echo "$1 is $n, less than $2"; return 1; }
}

# Within 20 s of its start, and under the right names.
share_some() {
	i=0
	until [ "$(share_number text/shared)" -ge 2500 ]; do
		i=$((i + 1))
		[ $i -le 20 ] || share_at_least text/shared 2500 || return 1
		share_second
	done
	[ "$(share_number names_wrong)" = 0 ]
}

share_enough() {
	share_at_least text/shared 2500 && share_at_least rodata/shared 2000 &&
		share_at_least reserved/shared 500 && share_at_least vmalloc/shared 800 &&
		share_at_least large/shared 300 && share_at_least cache/shared 500 &&
		share_at_least names_checked 8000
}

# On a busy host pages may be few for some seconds, and look settled.
share_kinds() {
	i=0
	until few=$(share_enough); do
		i=$((i + 1))
		[ $i -le 30 ] || { echo "$few"; return 1; }
		share_second
	done
	[ "$(share_number names_wrong)" = 0 ] || return 1
	echo "sharing=$(share_number pages_sharing) private: $(tr '\n' ',' <$folder/private)"
}

tracing=/sys/kernel/tracing

share_probe() {
	echo "p:share $1" >$tracing/kprobe_events &&
		echo 1 >$tracing/events/kprobes/share/enable || return 1
	cat /proc/uptime /data/SUMS >/dev/null
	# Off before the trace is read, which would add to it.
	echo 0 >$tracing/events/kprobes/share/enable
	n=$(grep -c 'share:' $tracing/trace)
	echo >$tracing/kprobe_events
	[ "$n" -ge 1 ] || { echo "no trace of $1"; return 1; }
}

# Text is patched while it is shared: the function tracer, a kprobe, static keys.
share_trace() {
	mount -t tracefs t $tracing 2>/dev/null
	before=$(share_number breaks)
	echo 'vfs_*' >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer && sleep 1 && echo nop >$tracing/current_tracer || return 1
	share_probe do_sys_openat2 && share_probe vfs_open || return 1
	echo 1 >/proc/sys/kernel/sched_schedstats && echo 0 >/proc/sys/kernel/sched_schedstats
	share_at_least breaks $((before + 5)) && echo "breaks=$(($(share_number breaks) - before))"
}

# Filler of kernel text has no frames: nobody may set a breakpoint there, which would be written.
# Tracing refuses it in any case, since no function is there; modules are kept out by Linux's list.
share_filler() {
	mount -t tracefs t $tracing 2>/dev/null
	mount -t debugfs d /sys/kernel/debug 2>/dev/null
	share_at_least filler_given_back 900 || return 1
	# What has no frame, and the page that stands for it, is not offered.
	read -r offered <$folder/text/offered
	share_at_least text/accepted $((offered - 2)) || { echo "$offered were offered"; return 1; }
	grep -q "__entry_text_end" /sys/kernel/debug/kprobes/blacklist || return 1
	! echo "p:filler __entry_text_end+8192" >>$tracing/kprobe_events 2>/dev/null || return 1
	echo "p:entry __x64_sys_getpid" >$tracing/kprobe_events && echo >$tracing/kprobe_events || return 1
	echo "given=$(share_number filler_given_back)"
}

# A free page is offered as one, and not by who looks at others: pages between the kernel's text
# and its data are free ones, too.
share_offers() {
	mount -t tracefs t $tracing 2>/dev/null
	echo >$tracing/trace && echo 1 >$tracing/events/pasture/pasture_offer/enable || return 1
	for i in 1 2; do
		# free no more, and their shares broken
		much=$(awk '/^MemAvailable/ { print $2 * 768 }' /proc/meminfo)
		{ head -c "$much" /dev/zero; sleep 2; } | tail -c "$much" >/dev/null
		sleep 2
	done
	echo 0 >$tracing/events/pasture/pasture_offer/enable
	grep 'kind=6' $tracing/trace >/tmp/free
	n=$(grep -c 'as=6' /tmp/free)
	grep -v 'as=6' /tmp/free && return 1
	rm /tmp/free
	[ "$n" -ge 1 ] && echo "free pages: $n"
}

# Free memory of a guest at rest is all shared, what zones keep back too: a page that was just freed
# is not.
share_free() {
	i=0 now=100
	while [ "$now" -gt 64 ]; do
		i=$((i + 1))
		[ $i -lt 30 ] || { echo "$now free pages are private"; return 1; }
		share_second
		while read -r use pages zero; do
			[ "$use" != free ] || now=$pages
		done <$folder/private
	done
	echo "private=$now shared=$(share_number free/shared)"
}

# Linux's list of what was given back is in order once the balloon rests.
share_order() {
	i=0
	until [ "$(share_number given_disorder)" = 0 ]; do
		i=$((i + 1))
		[ $i -le 10 ] || { echo "$(share_number given_disorder) of $(share_number balloon/out)"; return 1; }
		share_second
	done
}

# The first connection fills 64 pages, all zero and shared until then, with random bytes.
share_connect() {
	before=$(share_number reserved/broken)
	busybox ifconfig lo 127.0.0.1 up || return 1
	busybox nc -l -p 7007 >/tmp/heard &
	i=0
	until echo hello | busybox nc 127.0.0.1 7007; do
		i=$((i + 1))
		[ $i -le 10 ] || { echo "nobody listens"; return 1; }
		sleep 1
	done
	wait $! && [ "$(cat /tmp/heard)" = hello ] || { echo "heard: $(cat /tmp/heard)"; return 1; }
	sleep 1
	broke=$(($(share_number reserved/broken) - before))
	[ $broke -ge 64 ] || { echo "$broke broke"; return 1; }
	echo "broke=$broke"
}

# Pages of a block device are left alone: they may be in a request that nothing tells of.
share_device() {
	free=/sys/module/pasture/parameters/free_mib
	# Room for its pages; programs' pages that are offered meanwhile are some 200.
	echo 16 >$free && sleep 4 || return 1
	insmod /lib/brd.ko rd_nr=1 rd_size=4096 && mknod /tmp/ram b 1 0 && exec 6</tmp/ram || return 1
	before=$(share_number cache/offered)
	cat <&6 >/dev/null
	n=$(kb_of Buffers)
	[ "$n" -ge 3072 ] || { echo "only $n KiB are cached"; return 1; }
	sleep 4
	offered=$(($(share_number cache/offered) - before))
	exec 6<&- && echo 2 >$free
	[ $offered -lt 512 ] || { echo "$offered of 1024 were offered"; return 1; }
}

# share_said TEXT: the process with the area says so.
share_said() {
	i=0
	until grep -q "$1" /tmp/area.log; do
		i=$((i + 1))
		[ $i -lt 100 ] || { cat /tmp/area.log; return 1; }
		usleep 100000
	done
}

share_area_make() {
	busybox mkfifo /tmp/area.say && exec 7<>/tmp/area.say || return 1
	area 256 <&7 >/tmp/area.log 2>&1 &
	area_pid=$!
	share_said made
}

# An area of vmalloc is shared; a process maps it.
share_area_map() {
	i=0
	until [ "$(share_number vmalloc/shared)" -ge 1000 ]; do
		i=$((i + 1))
		[ $i -lt 40 ] || { share_number vmalloc/shared; return 1; }
		share_second
	done
	before=$(share_number vmalloc/broken)
	echo >&7 && share_said mapped && sleep 2 || return 1
	broke=$(($(share_number vmalloc/broken) - before))
	[ $broke -ge 200 ] || { echo "$broke broke"; return 1; }
}

# As long as it does they are not offered again: one that ends has entries that nobody counts.
share_area_rest() {
	before=$(share_number vmalloc/offered)
	sleep 26
	offered=$(($(share_number vmalloc/offered) - before))
	echo >&7 && wait $area_pid || { cat /tmp/area.log; return 1; }
	[ $offered -lt 128 ] || { echo "$offered were offered"; return 1; }
}

# share_more SECONDS NUMBER: so many pages of the cache are shared within that time.
share_more() {
	wanted=$(($(share_number cache/accepted) + $2)) i=0
	while [ "$(share_number cache/accepted)" -lt $wanted ]; do
		i=$((i + 1))
		[ $i -lt $1 ] || return 1
		sleep 1
	done
}

# What was given back at the start was not wanted again at once.
share_calm() {
	n=$(share_number balloon/taken)
	[ "$n" -le 2048 ] || { echo "$n pages were taken again"; return 1; }
}

# A file that is shared, cut, filled again.  Its pages' next lives may have to rest.
share_truncate() {
	for i in 1 2 3; do
		dd if=/bin/busybox of=/tmp/cut bs=4096 2>/dev/null
		[ $i != 1 ] || share_more 30 200 || { echo "a new file is not shared"; return 1; }
		truncate -s 10000 /tmp/cut
		dd if=/bin/busybox of=/tmp/cut bs=4096 seek=2 skip=2 conv=notrunc 2>/dev/null
		cmp /bin/busybox /tmp/cut || return 1
		printf '\n%s\n' $i >>/tmp/cut
		[ "$(tail -n 1 /tmp/cut)" = $i ] || return 1
		sleep 2
		rm /tmp/cut
	done
}

# Pages of programs that broke while programs started are shared again once none does.  Counted are
# offers: that pages broke is seen later.
share_rest() {
	ls -lR /data /sys/module >/dev/null
	share_read least cache/accepted
	i=0 now=$least
	while [ "$now" -lt $((least + 100)) ]; do
		i=$((i + 1))
		[ $i -lt 10 ] || { echo "$least, and $now after $i s"; return 1; }
		share_second
		share_read now cache/accepted
	done
	echo "from $least to $now in $i s"
}

# Memory was given back, 8 MiB at least.
share_given() {
	i=0
	while [ "$(cat $xen/info/low_kb)" -lt 8192 ]; do
		i=$((i + 1))
		[ $i -lt 60 ] || { echo "nothing is given back"; return 1; }
		sleep 1
	done
}

# Somebody else steers: the module leaves it, until it is told to go on.  Up, for
# which there must be what was given back: Linux has no pages for more.
share_balloon() {
	share_given || return 1
	now=$(cat $xen/info/current_kb)
	balloon_to $((now + 4096)) || return 1
	sleep 3
	[ "$(share_number balloon/yielded)" = 1 ] || { echo "not left to us"; return 1; }
	balloon_to $((now + 6144)) || return 1
	echo 1 >$folder/run
	[ "$(share_number balloon/yielded)" = 0 ]
}

# More than is free: it must come back in time.
share_pressure() {
	share_given || return 1
	before=$(kb_of MemTotal) taken=$(share_number balloon/taken)
	memcheck $(($(kb_of MemAvailable) / 1024 + 8)) || return 1
	share_at_least balloon/pressure 1 && share_at_least balloon/taken $((taken + 2048)) || return 1
	! dmesg | grep 'Out of memory' || return 1
	echo "before_kb=$before after_kb=$(kb_of MemTotal) oom=$(share_number balloon/oom)"
}

share_undo() {
	echo 2 >$folder/run || return 1
	[ "$(share_number pages_sharing)" = 0 ] || { echo "still $(share_number pages_sharing)"; return 1; }
	[ "$(share_number names_wrong)" = 0 ] && [ "$(share_number filler_given_back)" = 0 ] || return 1
	echo 1 >$folder/run
	i=0
	# Filler is known by its bytes, so it has them again.
	while ! { share_at_least text/shared 2500 && share_at_least reserved/shared 500 &&
		share_at_least filler_given_back 900; } >/dev/null; do
		i=$((i + 1))
		[ $i -lt 60 ] || return 1
		sleep 1
	done
}

# How often the thread that stops the second CPU ran.
share_stops() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$(busybox pidof migration/1)/status"
}

# While pages of the kernel's are offered the other CPU does nothing: all are offered again.
share_stopped() {
	before=$(share_stops) offered=$(share_number text/offered)
	share_undo || return 1
	batches=$((($(share_number text/offered) - offered) / 64)) stops=$(($(share_stops) - before))
	[ $batches -ge 30 ] && [ $stops -ge $batches ] || { echo "$stops stops in $batches batches"; return 1; }
	echo "stops=$stops batches=$batches"
}

# The second CPU goes and comes while pages are offered and broken.
share_cpus() {
	for i in 1 2 3 4 5; do
		cpu_to 1 0 && cat /bin/busybox >/tmp/cut && cpu_to 1 1 && cmp /bin/busybox /tmp/cut || return 1
		rm /tmp/cut
	done
	[ "$(share_number names_wrong)" = 0 ]
}

share_unload() {
	rmmod pasture && [ ! -e $folder ] && share_load && share_settle && share_kinds &&
		rmmod pasture
}

share() {
	step load share_load
	step settle share_settle
	share_say idle
	step calm share_calm
	step kinds share_kinds
	step free share_free
	step files files
	step pressure share_pressure
	step order share_order
	step filler share_filler
	step trace share_trace
	step truncate share_truncate
	step rest share_rest
	step balloon share_balloon
	if [ "$(cpus_now)" = 1 ]; then
		step undo share_undo
	else
		step cpus share_cpus
		step undo share_stopped
	fi
	step unload share_unload
	step files files
	complaints
}

# Shared, at rest, for a while: for who looks from outside.
share_idle() {
	step load share_load
	step settle share_settle
	share_say idle
	sleep "${seconds:-20}"
	step names [ "$(share_number names_wrong)" = 0 ]
	complaints
}

share_mappers() {
	step load share_load
	step settle share_settle
	step mappers mappers "${seconds:-20}" /tmp/mapped
	step offers share_offers
	step names [ "$(share_number names_wrong)" = 0 ]
	say "share breaks=$(share_number breaks) cache=$(share_number cache/accepted)"
	complaints
}

# Before the first frame goes filler is put on the list of where no probe may be: the tracer tells.
share_killed() {
	mount -t tracefs t $tracing
	echo kprobe_add_area_blacklist >$tracing/set_ftrace_filter &&
		echo function >$tracing/current_tracer || return 1
	{
		read -r -n 1 first <$tracing/trace_pipe
		echo b >/proc/sysrq-trigger
	} &
	share_load
	sleep 60
}

# A file that is cut and filled again while it is being shared.
share_cut() {
	dd if=/bin/busybox of=/tmp/cut bs=4096 2>/dev/null && sleep 1 && truncate -s 10000 /tmp/cut &&
		dd if=/bin/busybox of=/tmp/cut bs=4096 seek=2 skip=2 conv=notrunc 2>/dev/null &&
		cmp /bin/busybox /tmp/cut && rm /tmp/cut
}

share_rounds() {
	read -r now rest </proc/uptime
	stop_at=$((${now%.*} + ${minutes:-1} * 60)) rounds=0
	while [ "${now%.*}" -lt $stop_at ]; do
		for part in files share_cut pipeline "memory 60" "mappers 5 /tmp/mapped"; do
			$part || { echo "wrong in round $rounds: $part"; return 1; }
		done
		[ "$(share_number names_wrong)" = 0 ] || { echo "names are wrong in round $rounds"; return 1; }
		rounds=$((rounds + 1))
		read -r now rest </proc/uptime
	done
	echo "rounds=$rounds breaks=$(share_number breaks) names=$(share_number names_checked)"
}

share_stress() {
	step load share_load
	step settle share_settle
	step stress share_rounds
	step names [ "$(share_number names_wrong)" = 0 ]
	complaints
}

# share_refused WORDS...: the module does not load, and says why in one line.
share_refused() {
	before=$(dmesg | grep -c 'pasture: ')
	! share_load "$@" || return 1
	[ ! -e $folder ] || [ "${loaded-}" = 1 ] || return 1
	dmesg | grep 'pasture: ' | tail -n 1
}

# busybox's insmod tries twice, by either system call; it is the same line.
share_absent() {
	step refused share_refused
	reason=$(dmesg | sed -n 's/.*pasture: \(.*nothing to do\)/\1/p' | sort -u)
	say "reason $reason"
	[ "$(echo "$reason" | wc -l)" = 1 ] || failed="$failed one-line"
	complaints
}

share_bad() {
	for words in mapped=1 anon=1 anon=maybe sleep_ms=49 sleep_ms=60001 sleep_ms=x free_mib=0 \
		spare_mib=0 text=2 cache=-; do
		step "refused-$words" share_refused $words
	done
	dmesg | sed -n 's/.*pasture: \([a-z_]*=.*: .*\)/@guest reason \1/p'
	step area-make share_area_make
	step load share_load
	loaded=1
	step twice share_refused
	step run-range sh -c "! echo 3 >$folder/run && ! echo x >$folder/run"
	step undo share_undo
	step filler share_filler
	step free share_free
	step order share_order
	step connect share_connect
	step area-map share_area_map
	step area-rest share_area_rest
	step device share_device
	step unload rmmod pasture
	complaints
}

# --- what bench/benches/linux-share.sh counts: part=offer|break|job, in the guest that counted= names ---

# bench_others: all but the counted one have the file, too, and do no more.
bench_others() {
	[ "$guest" = "$counted" ] && return
	counted fill /tmp/counted "${pages:-1}"
	sleep 3600
}

bench_offer() {
	share_load || return 1
	before=$(share_number cache/accepted)
	bench_others
	sleep 30
	counted offer /tmp/counted "$pages" || return 1
	number=$(($(share_number cache/accepted) - before))
}

bench_break() {
	share_load || return 1
	bench_others
	counted fill /tmp/counted "$pages" || return 1
	sleep 30
	before=$(share_number breaks)
	counted write /tmp/counted "$pages" || return 1
	number=$(($(share_number breaks) - before))
}

bench_job() {
	! shares || share_load || return 1
	[ "$guest" != "$counted" ] && sleep 3600
	sleep 120
	counted point start
	for round in 1 2 3; do
		files && pipeline || return 1
	done
	counted point end
	number=0
	! shares || number=$(share_number breaks)
}

share_bench() {
	step "$part" "bench_$part"
	say "bench part=$part number=$number" >/dev/console
	[ -n "$failed" ] || counted point told
}
