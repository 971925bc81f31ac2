/* SPDX-License-Identifier: MIT */
/*
 * A frame that was a page table becomes writable for two getters (mm/pagetype.h, T6).
 * CPU D ran the frame's owner: it may have cached that the frame is a table, and
 * a walk that starts from there takes what is in it for translations.  E, on another
 * CPU, maps the frame by a grant and writes; D asks its hypervisor to write it, too.
 * Whoever is first changes the class and flushes D's CPU; then both write.
 *
 * No walk may read a frame that somebody could write.
 *
 * Right: class and mark in one step, flush, mark off; a getter that sees the mark waits,
 * and answers the flush while it waits.
 *
 * wrong: NO_WAIT          the second getter takes his use at once
 * wrong: MARK_LATE        class first, mark in a second step
 * wrong: MARK_OFF_EARLY   the mark goes before the flush
 * wrong: FLUSH_BY_SECOND  nobody but the second getter flushes
 */
#define NOBODY 0
#define D 1
#define E 2

bool is_table = 1;		/* class; its uses as a table are gone */
byte count;			/* writable uses */
byte marker = NOBODY;		/* who flushes */
bool cached = 1;		/* D's CPU knows the frame as a table */
bool asked;			/* a flush request waits for D's CPU */
bool written;			/* the frame holds what a guest likes */

/* D's CPU answers in the guest, and in every wait loop. */
inline answer() { atomic { asked -> cached = 0; asked = 0 } }

/* A flush of D's CPU: its own, or by a request that it answers. */
inline flush(who) {
	if
	:: who == D -> cached = 0
	:: else -> asked = 1; !asked
	fi
}

/* The word is one, so a look and a change are one step. */
inline get(who) {
	first = 0;
	do
#ifdef NO_WAIT
	:: atomic { !is_table -> count++; break }
#else
	:: atomic { !is_table && marker == NOBODY -> count++; break }
	:: who == D && asked -> answer()
#endif
	:: atomic { is_table -> is_table = 0; count++; first = 1;
#ifndef MARK_LATE
		    marker = who;
#endif
		    break }
	od;
#ifdef MARK_LATE
	if
	:: first -> marker = who
	:: else
	fi;
#endif
	if
	:: first ->
#ifdef MARK_OFF_EARLY
		marker = NOBODY;
		flush(who)
#else
#ifndef FLUSH_BY_SECOND
		flush(who);
#endif
		marker = NOBODY
#endif
	:: else ->
#ifdef FLUSH_BY_SECOND
		flush(who)
#else
		skip
#endif
	fi
}

/* The owner's CPU: its hypervisor, then its guest, which walks what it cached. */
active proctype owner() {
	bool first;

	if
	:: get(D); written = 1; count--
	:: skip
	fi;
	do
	:: asked -> answer()
	:: atomic { cached -> assert(!written) }
	:: atomic { !cached -> break }
	:: timeout -> break
	od;
	do
	:: asked -> answer()
	:: timeout -> break
	od
}

active proctype grantee() {
	bool first;

	get(E); written = 1; count--
}
