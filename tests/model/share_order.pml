/* SPDX-License-Identifier: MIT */
/*
 * The order of make_ro_and_share (SH2, SH3, SH14).  vCPU A offers frame F; vCPU B of
 * the same domain writes through its TLB and maps F anew; domain C, which has the
 * same content, gets what A published.
 *
 * Right: drop RW from the named mappings and take type shared in one step, flush, see that
 * no writable mapping is left (else undo), hash, compare, publish, remap.
 *
 * wrong: HASH_FIRST       hash and compare before the mapping is read-only
 * wrong: FLUSH_LAST       flush after publishing
 * wrong: NO_FLUSH         no flush
 * wrong: NO_TYPE          the type does not keep new writable mappings out
 * wrong: NO_CHECK         no look for other writable mappings
 *
 * The offered frame itself becomes canonical here, as the seed has it: the hardest case
 * for the order.
 */
byte F = 1;			/* content of the frame */
byte writable = 1;		/* writable PTEs: A's, and B's own */
bool b_maps;			/* one of them is B's other alias */
bool tlb = 1;			/* B's TLB holds a writable translation of F */
bool shared;			/* type of F: no new writable mapping while set */
byte hashed, seen;		/* what the hash and the compare read */
bool published, undone;
byte content;			/* what the index says F holds */

inline make_read_only() {
	atomic {
		writable--;
#ifndef NO_TYPE
		shared = 1
#endif
	}
}

inline flush() {
#ifndef NO_FLUSH
	tlb = 0
#else
	skip
#endif
}

inline check() {
#ifndef NO_CHECK
	atomic {
		if
		:: writable > 0 -> shared = 0; writable++; undone = 1
		:: else -> skip
		fi
	}
#else
	skip
#endif
}

inline look_up() {
	hashed = F;
	seen = F
}

/* The index tells C the content that was hashed; the compare must have agreed. */
inline publish() {
	atomic {
		if
		:: hashed == seen && !undone -> content = hashed; published = 1
		:: else -> undone = 1
		fi
	}
}

active proctype A() {
#ifdef HASH_FIRST
	look_up(); make_read_only(); flush(); check(); publish()
#else
#ifdef FLUSH_LAST
	make_read_only(); check(); look_up(); publish(); flush()
#else
	make_read_only(); flush(); check();
	if
	:: !undone -> look_up(); publish()
	:: else -> skip
	fi
#endif
#endif
}

active proctype B() {
	byte n = 0;

	do
	:: n < 4 -> n++;
		if
		:: atomic { tlb -> F = 3 - F }
		:: atomic { !shared && !b_maps -> b_maps = 1; writable++; tlb = 1 }
		:: atomic { b_maps -> b_maps = 0; writable--; tlb = 0 }
		/* Any writable PTE may be loaded at any time. */
		:: atomic { writable > 0 -> tlb = 1 }
		:: skip
		fi
	:: else -> break
	od
}

/* What is published stays as it was hashed, and nobody can write it. */
active proctype C() {
	published;
	assert(F == content);
	assert(!tlb);
	assert(F == content)
}
