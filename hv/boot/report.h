/* SPDX-License-Identifier: MIT */
/*
 * The machine lines ("@topic key=value ...") that the harness reads, and the
 * end of a run.
 */
#ifndef HV_BOOT_REPORT_H
#define HV_BOOT_REPORT_H

#include "lib/types.h"

/*
 * Once, before the first domain is built: "@boot", the count of free frames to
 * compare with, the timer of "@stat".
 */
void report_start(void);
/*
 * The lines that end a run, "@end ..." last, and the exit; no domain is left.
 */
void report_final(void) noreturn;

#endif
