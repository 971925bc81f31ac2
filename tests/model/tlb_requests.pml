/* SPDX-License-Identifier: MIT */
/*
 * Flush requests of two CPUs to a third one, and to each other (x86/tlb.c, TLB1 to TLB4).
 * A and B change an entry each, ask the others, and go on when all have answered: then
 * nobody may have what was cached before.  C is in its guest: it answers interrupts only.
 *
 * Right: a bit for each requester; who answers clears the bits that he saw before
 * his flush, and looks again; the first bit alone sends an interrupt; who waits, answers.
 *
 * wrong: CLEAR_ALL     who answers clears whatever stands there
 * wrong: CLEAR_FIRST   the bits are cleared before the flush
 * wrong: LOOK_ONCE     who answers does not look again
 * wrong: WAIT_DEAF     who waits does not answer
 */
#define CPUS 3
#define C 2

byte asked[CPUS];		/* a bit for each requester */
bool interrupted[CPUS];
/* a bit for each requester whose change the CPU has not heard of */
byte stale[CPUS];
bool done[CPUS];

inline answer(me) {
	do
	:: atomic { asked[me] != 0 -> seen = asked[me] };
#ifdef CLEAR_FIRST
		asked[me] = asked[me] & ~seen;
		stale[me] = 0
#else
		stale[me] = 0;		/* a flush of everything */
#ifdef CLEAR_ALL
		asked[me] = 0
#else
		asked[me] = asked[me] & ~seen
#endif
#endif
#ifdef LOOK_ONCE
		; break
#endif
	:: asked[me] == 0 -> break
	od
}

inline ask(me, whom) {
	atomic {
		if
		:: asked[whom] == 0 -> interrupted[whom] = 1
		:: else
		fi;
		asked[whom] = asked[whom] | (1 << me)
	}
}

inline wait(me, whom) {
	do
	:: (asked[whom] & (1 << me)) == 0 -> break
#ifndef WAIT_DEAF
	:: asked[me] != 0 -> answer(me)
#endif
	od
}

/* Interrupts are off: a requester hears of others where it waits, and at its end. */
proctype requester(byte me; byte peer) {
	byte seen;

	atomic { stale[peer] = stale[peer] | (1 << me); stale[C] = stale[C] | (1 << me) };
	ask(me, peer);
	ask(me, C);
	wait(me, peer);
	wait(me, C);
	assert((stale[peer] & (1 << me)) == 0 && (stale[C] & (1 << me)) == 0);
	done[me] = 1;
	do			/* in its guest: by interrupt */
	:: atomic { interrupted[me] -> interrupted[me] = 0 }; answer(me)
	:: done[1 - me] -> break
	od
}

active proctype guest() {
	byte seen;

	do
	:: atomic { interrupted[C] -> interrupted[C] = 0 }; answer(C)
	:: done[0] && done[1] -> break
	od
}

/* `timeout`: nothing else can go on. */
init {
	atomic { run requester(0, 1); run requester(1, 0) };
	do
	:: done[0] && done[1] -> break
	:: timeout -> assert(done[0] && done[1])
	od
}
