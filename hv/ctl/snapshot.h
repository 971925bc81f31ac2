/* SPDX-License-Identifier: MIT */
/* The operator's audit of the whole machine, beside the guests' work. */
#ifndef HV_CTL_SNAPSHOT_H
#define HV_CTL_SNAPSHOT_H

#include "audit/audit.h"

void snapshot_init(void);	/* once */
/*
 * One at a time: who asks meanwhile gets the answer that is on its way.  Boot
 * CPU.
 */
void snapshot_start(void);
/* How many are finished; the last one, and when it was.  Boot CPU. */
uint64_t snapshot_count(void);
const struct audit_result *snapshot_last(uint64_t *at_ns);
/* Called at the end of each; set by boot/report.c. */
extern void (*snapshot_done)(const struct audit_result *result);

#endif
