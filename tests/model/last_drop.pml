/* SPDX-License-Identifier: MIT */
/*
 * The last drop of a canonical frame against a look-up of its content (SH16), and the
 * same content offered twice at once (SH15): share/drop.c against share/offer.c.
 *
 * Right: look-up and join are one step under the stripe's lock, and so are the end of a
 * hold and leaving the index; the frame is freed after that.
 *
 * wrong: NO_STRIPE        a drop does not take the stripe's lock
 * wrong: FREE_FIRST       the frame is freed before it leaves the index
 * wrong: JOIN_LATE        the holder is counted after the lock is released
 */
#define FRAMES 4
#define NONE FRAMES

bool locked;			/* the stripe */
bool in_index[FRAMES], is_free[FRAMES] = 1;
byte holders[FRAMES];

inline lock() { atomic { !locked -> locked = 1 } }
inline unlock() { locked = 0 }

inline find(frame) {
	frame = 0;
	do
	:: frame < FRAMES && !in_index[frame] -> frame++
	:: else -> break
	od
}

/* Before the lock, and so that it cannot fail later; a match gives it back. */
inline draw(frame) {
	atomic {
		frame = 0;
		do
		:: !is_free[frame] -> frame++; assert(frame < FRAMES)
		:: else -> break
		od;
		is_free[frame] = 0;
		assert(!in_index[frame])
	}
}

inline offer(frame) {
	draw(drawn);
	lock();
	find(frame);
	if
	:: frame != NONE -> is_free[drawn] = 1
	:: else -> frame = drawn; in_index[frame] = 1
	fi;
#ifdef JOIN_LATE
	unlock();
	holders[frame]++
#else
	holders[frame]++;
	unlock()
#endif
}

inline drop(frame) {
#ifndef NO_STRIPE
	lock();
#endif
	atomic { holders[frame]--; last = holders[frame] == 0 };
#ifdef FREE_FIRST
	if
	:: last -> is_free[frame] = 1; in_index[frame] = 0
	:: else -> skip
	fi;
#else
	if
	:: last -> in_index[frame] = 0
	:: else -> skip
	fi;
#endif
#ifndef NO_STRIPE
	unlock();
#endif
#ifndef FREE_FIRST
	if
	:: last -> is_free[frame] = 1
	:: else -> skip
	fi
#endif
}

/* Each domain shares, uses and drops the content twice. */
active [2] proctype Domain() {
	byte frame, drawn, turns = 0;
	bool last;

	do
	:: turns < 2 -> turns++;
		offer(frame);
		assert(!is_free[frame]);	/* the content is there */
		assert(holders[frame] > 0);
		assert(in_index[0] + in_index[1] + in_index[2] + in_index[3] == 1);
		drop(frame)
	:: else -> break
	od
}
