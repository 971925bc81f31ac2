/* SPDX-License-Identifier: MIT */
/*
 * The TSC's rate: measured against a counter of known rate, and told by the
 * processor or by the hypervisor below us.  Pure but for tsc_read(), and
 * unit-tested on the host with clocks that are interrupted anywhere.
 */
#ifndef HV_X86_RATE_H
#define HV_X86_RATE_H

#include "lib/types.h"

/* from read(): the clock lost count; start again */
#define REF_LOST	(~0UL)

struct ref_clock {
	const char *name;
	uint64_t hz;		/* at most 2^28 */
	/* it counts modulo this, for at least 4 s or till REF_LOST */
	uint64_t turn;
	/* so many reads without a change: it stands still */
	uint32_t patience;
	void (*start)(void);
	uint64_t (*read)(void);
};

/* In Hz, the truth is in [low, high]. */
struct rate {
	uint64_t low, high;
};

/* false: this clock is not there, or stands still. */
bool rate_measure(const struct ref_clock *c, struct rate *r);
uint64_t rate_middle(const struct rate *r);
unsigned int rate_ppm(const struct rate *r);	/* how far that may be off */
bool rate_agrees(const struct rate *r, uint64_t hz);

/*
 * The rate of a timer that counts down once from its highest value; TSC of
 * tsc_hz.  Interruptions anywhere leave the bounds true.  false: it stands
 * still.
 */
struct countdown {
	uint32_t from;
	void (*start)(uint32_t from);
	uint32_t (*left)(void);
};
bool rate_of_countdown(const struct countdown *c, uint64_t tsc_hz,
		       struct rate *r);

/* --- told --- */

typedef void (*cpuid_fn)(uint32_t leaf, uint32_t sub, uint32_t out[4]);

uint64_t rate_told_by_cpuid(cpuid_fn ask);	/* kHz; 0: nothing is told */
/* its leaf of frequencies; kHz, or 0 */
uint64_t rate_told_by_hypervisor(cpuid_fn ask);
/*
 * First leaf of KVM's, if it has the clock of MSRs 0x4b564d00 and 01; else 0.
 */
uint32_t rate_kvm_leaf(cpuid_fn ask);

/* What KVM fills in when it is told where; the ABI is KVM's. */
struct kvm_clock {
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};
_Static_assert(sizeof(struct kvm_clock) == 32, "KVM's ABI");
uint64_t rate_of_kvm_clock(const struct kvm_clock *k);	/* kHz, or 0 */

#endif
