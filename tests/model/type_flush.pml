/* SPDX-License-Identifier: MIT */
/*
 * A change of type against a stale TLB (the class of XSA-401).  vCPU A makes a
 * writable page with no reference a page table; vCPU B maps it writable, writes,
 * unmaps.  A page table that is trusted may not be in a TLB as writable.
 *
 * Right: take the type with one atomic step, flush after it, then mark it validated.
 *
 * wrong: FLUSH_BEFORE     flush, then take the type: B may map and unmap between
 * wrong: NO_FLUSH         no flush
 * wrong: VALID_BEFORE     validated before the flush
 * wrong: COUNT_LATE       B's reference counts only after B has used it
 */
byte type;			/* 0 writable, 1 page table */
byte count;			/* references of that type */
bool valid;			/* validated: the hypervisor trusts its content */
bool tlb;			/* B's TLB has a writable translation */
bool changed;			/* the table was written while it was trusted */

inline flush() {
#ifndef NO_FLUSH
	tlb = 0
#else
	skip
#endif
}

active proctype A() {
	byte seen_type, seen_count, tries = 0;

again:
	atomic { seen_type = type; seen_count = count };
	if
	:: seen_type == 0 && seen_count == 0 ->
#ifdef FLUSH_BEFORE
		flush();
#endif
		if
		:: atomic { type == seen_type && count == seen_count ->
			    type = 1; count = 1 };
#ifdef VALID_BEFORE
			valid = 1;
#endif
#ifndef FLUSH_BEFORE
			flush();
#endif
			valid = 1
		:: else -> skip
		fi
	:: else ->
		if
		:: tries < 3 -> tries++; goto again
		:: else -> skip
		fi
	fi
}

active proctype B() {
	byte n = 0;
	bool mapped = 0;

	do
	:: n < 4 -> n++;
		if
#ifdef COUNT_LATE
		:: !mapped && type == 0 -> tlb = 1; mapped = 1; count++
#else
		:: atomic { !mapped && type == 0 -> count++; mapped = 1 }; tlb = 1
#endif
		/* Unmapping drops the count; the TLB keeps what it has. */
		:: atomic { mapped -> mapped = 0; count-- }
		:: atomic { tlb -> changed = changed || valid }
		:: skip
		fi
	:: else -> break
	od
}

active proctype Monitor() {
	assert(!(valid && type == 1 && tlb));
	assert(!changed)
}
