/* SPDX-License-Identifier: MIT */
/*
 * A page of a domain that ends, while others name it by its number (mm/frame.c,
 * ctl/destroy.c; DD2, PT7, ME8).  The domain's own reference (ALLOCATED) is given
 * up once: by the reaper or by a call of the domain's that gives the page back.
 * Who takes a reference looks at owner and count in the same step.
 *
 * At the end the frame has been freed exactly once, and nobody used it after.
 *
 * wrong: GET_IN_TWO       owner and count are looked at, then the count grows
 * wrong: PUT_IN_TWO       the count falls, then it is looked at
 * wrong: STEAL_IN_TWO     ALLOCATED is looked at, then cleared
 * wrong: FREE_WITH_REFS   the reaper frees what others still use
 */
bool owned = 1, allocated = 1;
byte refs = 1, freed, ended;

inline put() {
#ifdef PUT_IN_TWO
	refs--;
	if
	:: refs == 0 -> freed++; owned = 0
	:: else
	fi
#else
	atomic {
		refs--;
		if
		:: refs == 0 -> freed++; owned = 0
		:: else
		fi
	}
#endif
	assert(freed <= 1)
}

/* By its number: a grant is mapped, a page is copied. */
active [2] proctype user() {
	byte turns = 0;

	do
	:: turns < 2 -> turns++;
#ifdef GET_IN_TWO
		if
		:: owned && refs > 0
		:: else -> break
		fi;
		refs++;
#else
		if
		:: atomic { owned && refs > 0 -> refs++ }
		:: atomic { else -> break }
		fi;
#endif
		assert(owned && !freed);	/* it is used */
		put()
	:: else -> break
	od;
	ended++
}

inline give_up() {
#ifdef STEAL_IN_TWO
	if
	:: allocated -> allocated = 0; put()
	:: else
	fi
#else
	mine = 0;
	atomic {
		if
		:: allocated -> allocated = 0; mine = 1
		:: else
		fi
	};
	if
	:: mine -> put()
	:: else
	fi
#endif
}

active proctype giver() {
	bool mine;

	if
	:: give_up()
	:: skip
	fi;
	ended++
}

active proctype reaper() {
	bool mine;

#ifdef FREE_WITH_REFS
	if
	:: atomic { allocated -> allocated = 0; refs--; freed++; owned = 0 }
	:: atomic { !allocated -> skip }
	fi;
	assert(freed <= 1);
#else
	give_up();
#endif
	ended == 3;
	assert(freed == 1 && refs == 0)
}
