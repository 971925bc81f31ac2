/* SPDX-License-Identifier: MIT */
/* Room for the names of the past (ptpending.h). */
#include <port.h>

#include "dom/ptpending.h"
#include "mm/objpool.h"

void ptpending_recent_free(struct pt_recent_name **recent)
{
	unsigned int i;

	for (i = 0; recent && i < RECENT_PAGES; i++)
		obj_free(recent[i], PAGE_SIZE);
	obj_free(recent, RECENT_PAGES * sizeof(*recent));
}

struct pt_recent_name **ptpending_recent_make(void)
{
	struct pt_recent_name **recent = obj_alloc(RECENT_PAGES * sizeof(*recent));
	unsigned int i;

	for (i = 0; recent && i < RECENT_PAGES; i++) {
		recent[i] = obj_alloc(PAGE_SIZE);
		if (!recent[i]) {
			ptpending_recent_free(recent);
			return NULL;
		}
	}
	return recent;
}
