/* SPDX-License-Identifier: MIT */
/*
 * A heap page of a domain that ends while the first domain maps it (FOR4, FOR5,
 * HEAP6; pv/foreign.h, dom/reclaim.c, dom/heappages.c).  The mapper's CPU may
 * have the page cached until it is flushed; the owner's destructor frees the
 * page, or makes it an orphan, which the last put frees.
 *
 * At the end it was freed exactly once, and no CPU reads it after that.
 *
 * wrong: PUT_BEFORE_FLUSH  what the entry held is let go of at once
 * wrong: FLUSH_BEFORE_CLEAR the flush comes before the entry is gone
 * wrong: FLUSH_OWNER       the owner's CPUs are flushed, not the mapper's
 * wrong: FREE_MAPPED       the destructor does not look at the count
 * wrong: LOOK_THEN_ORPHAN  it looks, and makes it an orphan in a step of its own
 * wrong: FOUND_WHILE_FREED the owner can be found until it is gone
 */
bool findable = 1, noheap = 1, orphan, entry, cached;
byte refs, freed, users, ended;

inline put() {
	atomic {
		refs--;
		if
		:: refs == 0 && !noheap -> freed++
		:: else
		fi
	}
}

inline flush() {
#ifndef FLUSH_OWNER
	cached = 0
#else
	skip
#endif
}

active proctype mapper() {
	byte turns = 0;

	do
	:: turns < 2 -> turns++;
		/* domain_find() */
		if
		:: atomic { findable -> users++ }
		:: atomic { !findable -> break }
		fi;
		refs++;
		entry = 1;
		users--;
#ifdef FLUSH_BEFORE_CLEAR
		flush();
		entry = 0;
		put()
#else
		entry = 0;
#ifdef PUT_BEFORE_FLUSH
		put();
		flush()
#else
		flush();
		put()
#endif
#endif
	:: else -> break
	od;
	ended++
}

/* It caches what its tables offer, and reads it as long as it likes. */
active proctype mapper_cpu() {
	do
	:: atomic { entry -> cached = 1 }
	:: atomic { cached -> assert(!freed) }
	:: timeout -> break
	od
}

active proctype destructor() {
	bool mapped;

	/* domain_retire(): nobody has it, and then nobody finds it */
#ifndef FOUND_WHILE_FREED
	atomic { users == 0 -> findable = 0 }
#endif
#ifdef FREE_MAPPED
	noheap = 0;
	freed++;
#else
#ifdef LOOK_THEN_ORPHAN
	mapped = refs > 0;
	atomic { noheap = 0; orphan = mapped };
	if
	:: !mapped -> freed++
	:: else
	fi;
#else
	atomic {
		mapped = refs > 0;
		noheap = 0;
		orphan = mapped
	};
	if
	:: !mapped -> freed++
	:: else
	fi;
#endif
#endif
	ended == 1;
	assert(freed == 1 && refs == 0)
}
