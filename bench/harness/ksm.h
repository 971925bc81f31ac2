/* SPDX-License-Identifier: MIT */
/*
 * The host's page merging (KSM), made to run flat out for a while, and what it
 * reaches for some processes.
 *
 * Whatever ends this program, KSM's settings are put back: a child waits for
 * that end, which it sees by a pipe that nobody else holds.  KSM that runs
 * already is left alone: somebody else relies on its settings.
 */
#ifndef HARNESS_KSM_H
#define HARNESS_KSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* NULL, or why it cannot be used here. */
const char *ksm_unusable(void);
void ksm_begin(void);
void ksm_end(void);
/* Scans of all that is offered to it, since the host was started. */
uint64_t ksm_scans(void);

/* A process whose memory is a guest's. */
struct ksm_process {
	pid_t pid;
	uint64_t first, pages;	/* where the guest's memory is; 0: not known */
};

/*
 * Distinct frames of the host behind the guests' memory, of so many bytes each,
 * but for the host's own page of zeros.
 */
uint64_t ksm_frames(struct ksm_process *p, size_t count, uint64_t bytes);
/* Bytes of KSM's records of these pages. */
uint64_t ksm_records(const struct ksm_process *p, size_t count);

#endif
