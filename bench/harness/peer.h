/* SPDX-License-Identifier: MIT */
/*
 * PEER=ksm of `harness linux`: the same kernel, RAM disk and job in plain QEMU
 * guests on this host, whose kernel merges their pages (KSM), flat out from
 * their start on.  Once as such guests are, and once with all that is known to
 * help it: no kernel at a random place, free pages reported and given back.
 *
 * The guests wait twice, as they do on Pasture: idle, and after the job; and
 * are counted when what they take has come to rest (ksm.h).
 */
#ifndef HARNESS_PEER_H
#define HARNESS_PEER_H

#include "harness/linux.h"

/* Dies with one line if the options ask for one and it cannot be. */
void peer_check(const struct options *o);
/* Runs both kinds, into r->peers; what goes wrong is a problem of r. */
void peer_run(struct linux_run *r);
const char *peer_name(enum peer_kind kind);

/* peer_report.c */
void peer_table(const struct linux_run *r);
/* Memory over time, for a picture: DIR/memory.tsv. */
void peer_samples(const struct linux_run *r);
void peer_figures(const struct linux_run *r, struct json_t *figures);

#endif
