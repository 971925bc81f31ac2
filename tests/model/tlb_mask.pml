/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs need no flush (VCPU1, dom/vcpu.c): one whose bit is not in the domain's
 * mask.  CPU A takes a right away from an entry, reads the mask, and flushes the CPUs in
 * it; then nobody may use the right.  CPU B comes to the domain, walks its tables, and goes.
 * Each CPU has a store buffer of one store for the word that it writes without a lock
 * (x86's order: a load may pass an earlier store of another word).
 *
 * Right: A's change is followed by a locked instruction before the mask is read; B sets
 * its bit by a locked instruction before it loads the tables, and clears it after it has
 * loaded others, which flushes.
 *
 * wrong: READ_EARLY      no locked instruction between A's change and its look at the mask
 * wrong: SET_PLAIN       B's bit is set by a plain store
 * wrong: SET_LATE        B's bit is set after the tables were loaded
 * wrong: CLEAR_EARLY     B's bit is cleared before other tables are loaded
 */
bool right = 1;			/* the entry, in memory */
bool a_stored;			/* A's change stands in its store buffer */
bool in_mask;			/* B's bit, in memory */
bool b_stored;			/* B's bit stands in its store buffer */
bool loaded, cached;		/* B: the domain's tables; a translation with the right */
bool asked;
bool gone;			/* A goes on: nobody may use the right */

#define drain_a	atomic { a_stored -> right = 0; a_stored = 0 }
#define drain_b	atomic { b_stored -> in_mask = 1; b_stored = 0 }

active proctype buffers() {
end:	do
	:: drain_a
	:: drain_b
	od
}

active proctype a() {
	bool seen;

	a_stored = 1;			/* the entry changes: a plain store */
#ifndef READ_EARLY
	!a_stored;			/* a locked instruction waits for it */
#endif
	seen = in_mask;
	if
	:: seen -> asked = 1; !asked
	:: else
	fi;
	!a_stored;
	gone = 1
}

inline b_sets() {
#ifdef SET_PLAIN
	b_stored = 1
#else
	in_mask = 1
#endif
}

/* The CPU walks when it likes while the tables are loaded, and uses what it has. */
inline b_walks() {
	do
	:: atomic { loaded && right -> cached = 1 }
	:: atomic { cached -> assert(!gone) }
	:: atomic { asked -> cached = 0; asked = 0 }
	:: break
	od
}

active proctype b() {
#ifdef SET_LATE
	loaded = 1;
	b_walks();
	b_sets();
#else
	b_sets();
	loaded = 1;
#endif
	b_walks();
#ifdef CLEAR_EARLY
	!b_stored;
	in_mask = 0;
	b_walks();
	atomic { loaded = 0; cached = 0 }
#else
	atomic { loaded = 0; cached = 0 };	/* idle tables: a flush */
	!b_stored;
	in_mask = 0;
#endif
	do			/* asked all the same */
	:: atomic { asked -> asked = 0 }
	:: gone -> break
	od
}
