# SPDX-License-Identifier: MIT
# An exported name tells where it is defined.  It begins with the stem of its file
# ("op_" of op_sched.c not counted); or with op_, as the entry of each hypercall does; or
# it stands in an above.h, which the layer that asks for it has named; or with a prefix
# of the table below, whose rows say which files one such family of names has.
families='
hv/audit audit_ audit_frames audit_tables
hv/boot boot_ main multiboot multiboot.asm
hv/boot memory_map multiboot
hv/ctl boot_ config
hv/ctl channel control
hv/dom domain_ die pages promise
hv/dom grant_ grant_map grant_pin
hv/dom heap_page heappages
hv/dom sched_ sched_queue
hv/dom trace_ tracebuf
hv/lib mem string
hv/lib str string
hv/mm frame_pool framepool
hv/mm mfn_ frame
hv/mm ram_range frame
hv/mm obj_ objpool
hv/mm heap_ palloc
hv/offer shareop_ op_mode
hv/pv grant_ grant_copy grant_host grant_op
hv/pv hypercall_ version
hv/pv mmu_ mmuext
hv/pv xencomm_ xencomm_buffer
hv/pv traps_ traps_ops
hv/pv trap_handle traps
hv/sharing sharing_ service
hv/x86 ap_ ap_boot.asm smp
hv/x86 cpu_ entry.asm percpu
hv/x86 debugreg_ fpu
hv/x86 guest entry.asm guestcopy
hv/x86 copy_ guestcopy
hv/x86 clear_guest guestcopy
hv/x86 random_ entropy
hv/x86 smap_ patch
hv/x86 spin_ spinlock
hv/x86 port_ tlb
hv/x86 stack_ entry.asm
hv/x86 sys entry.asm
hv/x86 trap_stubs entry.asm
hv/x86 ns_ tsc
hv/x86 now_ns tsc
hv/x86 delay_ tsc
hv/x86 vec_ vecregs
'
# shellcheck disable=SC2086
nm -A -g --defined-only $HV_OBJ | grep -E '/hv/hv/|/hv/(abi|audit|boot|ctl|debug|dom|lib|mm|offer|pv|sharing|x86)/' |
	sed -E 's|^.*/([a-z0-9]+)/([^/]*)\.o:.* ([^ ]+)$|hv/\1 \2 \3|' | awk -v rows="$families" \
	-v above="$(cat hv/*/above.h | cpp -fpreprocessed -P - | grep -oE '\b[a-z_0-9]+\(' | tr -d '(' | tr '\n' ' ')" '
	BEGIN {
		n = split(rows, row, "\n")
		for (i = 1; i <= n; i++) {
			m = split(row[i], word, " ")
			for (k = 3; k <= m; k++)
				family[word[1] " " word[k]] = family[word[1] " " word[k]] " " word[2]
		}
		n = split(above, name, " ")
		for (i = 1; i <= n; i++)
			is_above[name[i]] = 1
	}
	{
		stem = $2
		sub(/^op_/, "", stem)
		sub(/\..*/, "", stem)
		if (index($3, stem) == 1 || index($3, "op_") == 1 || ($3 in is_above))
			next
		n = split(family[$1 " " $2], prefix, " ")
		for (i = 1; i <= n; i++)
			if (index($3, prefix[i]) == 1) {
				used[$1 " " $2 " " prefix[i]] = 1
				next
			}
		print $1 "/" $2 ": " $3 " does not begin with the name of its file, nor of a family of tests/lint/names.sh"
	}
	END {
		for (where in family) {
			n = split(family[where], prefix, " ")
			for (i = 1; i <= n; i++)
				if (!((where " " prefix[i]) in used))
					print "tests/lint/names.sh: no name of " where " needs the family " prefix[i]
		}
	}' | sort -u
