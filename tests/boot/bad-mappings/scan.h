/* SPDX-License-Identifier: MIT */
/* Scans over all frame numbers; max: the highest frame of the machine. */
#ifndef SCAN_H
#define SCAN_H

#include "../attack.h"

void scan_maps(uint64_t max);
void scan_uses(uint64_t max);
bool scan_is_ours(uint64_t mfn);	/* after scan_maps() */

#endif
