/* SPDX-License-Identifier: MIT */
/*
 * A grant that is mapped, unmapped and revoked (dom/grant_pin.c, pv/grant_host.c;
 * TL7, GT4).  The granter takes its page back as soon as nobody uses the grant,
 * and writes what is nobody's business; the mapper's CPU may have the page
 * cached until it is flushed.
 *
 * Right: the use is marked in one step with the look at the permission, and goes
 * only after the entry and the flush behind it.
 *
 * wrong: LOOK_THEN_MARK   the permission is looked at before, in a step of its own
 * wrong: MARK_OFF_EARLY   the mark goes before the flush
 * wrong: NO_FLUSH         the CPU is not flushed
 * wrong: REVOKE_BLIND     the granter does not look whether it is used
 */
bool permitted = 1, used;	/* one word of the grant's entry */
bool entry, cached;		/* the mapper's page table, and its CPU */
bool taken_back;

active proctype mapper_hypervisor() {
	byte turns = 0;

	do
	:: turns < 2 -> turns++;
#ifdef LOOK_THEN_MARK
		if
		:: permitted
		:: else -> break
		fi;
		used = 1;
#else
		if
		:: atomic { permitted -> used = 1 }
		:: atomic { !permitted -> break }
		fi;
#endif
		entry = 1;
		entry = 0;
#ifdef MARK_OFF_EARLY
		used = 0;
#endif
#ifndef NO_FLUSH
		cached = 0;
#endif
		used = 0
	:: else -> break
	od
}

/* A CPU caches what its tables offer, and uses it as long as it likes. */
active proctype mapper_cpu() {
	do
	:: atomic { entry -> cached = 1 }
	:: atomic { cached -> assert(!taken_back) }
	:: timeout -> break
	od
}

active proctype granter() {
	do
#ifdef REVOKE_BLIND
	:: atomic { permitted -> permitted = 0; break }
#else
	:: atomic { permitted && !used -> permitted = 0; break }
#endif
	od;
	taken_back = 1
}
