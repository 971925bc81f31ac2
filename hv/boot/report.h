/* SPDX-License-Identifier: MIT */
#ifndef HV_BOOT_REPORT_H
#define HV_BOOT_REPORT_H

/* The machine lines that end a run, "@end ..." last; no domain is left. */
void report_final(void);

#endif
