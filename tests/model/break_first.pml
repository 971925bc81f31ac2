/* SPDX-License-Identifier: MIT */
/*
 * Break first (pv/ptbreak.c, K2): a page of two entries gets a copy, while two
 * other vCPUs of the domain run.  One stores by the second entry as soon as it
 * can, the other loads by the first and then by the second: what it saw new it
 * must not see old again.
 *
 * Right: the others are called into the hypervisor first, and stay there until
 * the last entry has the new frame and the flush behind it is made.  A CPU caches
 * what the tables offer at any time, in the hypervisor, too.
 *
 * wrong: NOT_HELD           the others go on in their guest
 * wrong: OUT_BEFORE_FLUSH   they are let out before the last flush
 * wrong: NO_LAST_FLUSH      there is none behind the last entry
 */
#define NONE 0
#define OLD 1
#define NEW 2

byte entry[2] = OLD;		/* frame; NEW may be written */
byte tlb_first[2], tlb_second[2];	/* of the vCPUs: 0 loads, 1 stores */
bool asked[2], held;
bool stored;			/* the word in NEW; in OLD it is 0 */
bool over;

/* What a CPU may cache of its tables, as further choices of a loop. */
#define FILL(n) \
	atomic { tlb_first[n] == NONE -> tlb_first[n] = entry[0] } \
	:: atomic { tlb_second[n] == NONE -> tlb_second[n] = entry[1] }

/* Of vCPU n, in its guest: an interrupt; it comes out when it may. */
inline interrupt(n) {
	atomic { asked[n] -> tlb_first[n] = NONE; tlb_second[n] = NONE;
		 asked[n] = 0 };
	do
	:: atomic { asked[n] -> tlb_first[n] = NONE; tlb_second[n] = NONE;
		    asked[n] = 0 }
	:: FILL(n)
	:: atomic { !held && !asked[n] -> break }
	od
}

inline flush() {
	asked[0] = 1;
	asked[1] = 1;
	!asked[0] && !asked[1]
}

active proctype breaks() {
#ifndef NOT_HELD
	held = 1;
#endif
	flush();
	entry[0] = NEW;
	flush();
	entry[1] = NEW;
#ifdef OUT_BEFORE_FLUSH
	held = 0;
#endif
#ifndef NO_LAST_FLUSH
	flush();
#endif
	held = 0;
	over = 1
}

active proctype loads() {
	bool first;

	do
	:: asked[0] -> interrupt(0)
	:: FILL(0)
	:: atomic { !asked[0] && tlb_first[0] != NONE ->
		    first = (tlb_first[0] == NEW && stored) };
		do	/* before the next instruction */
		:: asked[0] -> interrupt(0)
		:: FILL(0)
		:: atomic { !asked[0] && tlb_second[0] != NONE ->
			    assert(!first || tlb_second[0] == NEW); break }
		:: over -> break
		od
	:: over && !asked[0] -> break
	od
}

active proctype stores() {
	do
	:: asked[1] -> interrupt(1)
	:: FILL(1)
	:: atomic { !asked[1] && tlb_second[1] == NEW -> stored = 1 }
	:: over && !asked[1] -> break
	od
}
