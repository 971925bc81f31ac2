#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions of stock Linux guests that share: an offered page, a break, a job with sharing and without
# reads: QEMU TIMEOUT
# QEMU counts them (-icount in its recording mode), of all guests and the hypervisor; time
# asleep counts nothing.  The counted guest passes the points of bench/linux/counted.c.
. bench/linux/lib.sh
. bench/figure.sh
KERNEL=$(kernel_of linux-image-cloud-amd64) || exit 1
need build/linux/base.gz build/linux/files.gz build/linux/share-cloud-amd64.gz build/linux/counted
dir=$B/linux-share
export KERNEL JOB=share-bench SHARING=1 CPU_MODEL=qemu64 TIMEOUT=${TIMEOUT:-1500}
INITRD="build/linux/base.gz build/linux/share-cloud-amd64.gz"
# Only what is counted, and no look that nothing asks for.
cache_only=balloon=0,free=0,text=0,reserved=0,vmalloc=0,large=0,cold=0,sleep_ms=60000

# count NAME POINTS COUNTED WORDS [VARIABLE=VALUE...]: passes the points; the guest says what it was.
count() {
	local name=$1 points= p counted=$3 words=$4

	for p in $2; do
		points+="$p=$(nm build/linux/counted | sed -n "s/ t point_$p\$//p") "
	done
	echo "  counting: $name" >&2
	build/harness icount POINTS="$points" DIR="$dir/$name" WORDS="counted=$counted $words" INITRD="$INITRD" \
		"${@:5}" >"$B/linux-share-$name.log" 2>&1 ||
		{ echo "pasture: $name cannot be counted" >&2; tail -n 5 "$B/linux-share-$name.log" >&2; exit 1; }
}

# between NAME FROM TO: instructions
between() {
	awk -v a="$2" -v b="$3" '$1 == "point" { n[$2] = $3 } END { printf "%.0f\n", n[b] - n[a] }' \
		"$B/linux-share-$1.log"
}

# number NAME PART LEAST: what the counted guest said, and no less than that.
number() {
	local n

	n=$(grep -a "@guest bench part=$2 number=" "$dir/$1/console.log" | sed 's/.*number=\([0-9]*\).*/\1/')
	[ "${n:-0}" -ge "$3" ] || { echo "pasture: $1: only ${n:-no} pages, at least $3 were wanted" >&2; exit 1; }
	echo "$n"
}

over() {
	awk -v a="$1" -v b="$2" -v f="${3:-%.4f}" 'BEGIN { printf f, a / b }'
}

# --- an offered page: what a file costs more where it is offered, once it is written ---
pages=2048
# offer CASE GUESTS: instructions of each page.  With two guests the other one has the file already.
offer() {
	local on off n

	count "$1" "start end told" "g$2" "part=offer pages=$pages pasture=$cache_only" GUESTS="$2" GUEST_MEM=128 || exit
	count "$1-off" "start end told" "g$2" "part=offer pages=$pages pasture=$cache_only,cache=0" \
		GUESTS="$2" GUEST_MEM=128 || exit
	n=$(number "$1" offer $((pages * 9 / 10))) && on=$(between "$1" start end) && off=$(between "$1-off" start end) ||
		exit 1
	over $((on - off)) "$n" %.0f
}
new=$(offer new 1) && known=$(offer known 2) || exit 1

# --- a break: a byte written to each page of a file, the first time and the second ---
touched=512
# break_in MIB: instructions of each
break_in() {
	local n

	count "break-$1" "start middle end told" g2 "part=break pages=$touched pasture=$cache_only" \
		GUESTS=2 GUEST_MEM="$1" || exit
	n=$(number "break-$1" break $((touched * 9 / 10))) || exit 1
	over $(($(between "break-$1" start middle) - $(between "break-$1" middle end))) "$n" %.0f
}
# Of this kernel's image alone there are 46 MiB: it does not start in 64.
small=$(break_in 80) && large=$(break_in 1024) || exit 1
growth=$(over "$large" "$small")

# --- a job that writes files and forks ---
INITRD="build/linux/base.gz build/linux/files.gz build/linux/share-cloud-amd64.gz"
count job-on "start end told" g2 part=job GUESTS=2 GUEST_MEM=128 || exit 1
count job-off "start end told" g2 part=job GUESTS=2 GUEST_MEM=128 SHARING=0 || exit 1
on=$(between job-on start end) off=$(between job-off start end)
slowdown=$(over "$on" "$off")

worst=$((new > known ? new : known))
printf '\n  %-52s %8s\n' 'instructions, of guests and hypervisor' ''
printf '  %-52s %8s\n' "an offered page of the cache, new" "$new" "the same, another guest has it" "$known" \
	"a break in a guest of 80 MiB" "$small" "a break in a guest of 1024 MiB" "$large" \
	"break_growth (at most 1.05)" "$growth" "instructions_per_offer (at most 12000)" "$worst" \
	"job_slowdown (at most 1.05)" "$slowdown"
figure_add instructions_per_offer "$worst"
figure_add instructions_per_offer_new "$new"
figure_add instructions_per_offer_known "$known"
figure_add break_80_mib "$small"
figure_add break_1024_mib "$large"
figure_add break_growth "$growth"
figure_add job_on "$on"
figure_add job_off "$off"
figure_add job_slowdown "$slowdown"
figures_write linux-share
awk -v i="$worst" -v b="$growth" -v j="$slowdown" 'BEGIN { exit !(i <= 12000 && b <= 1.05 && j <= 1.05) }' ||
	{ echo "linux-share: a bar is missed" >&2; exit 1; }
