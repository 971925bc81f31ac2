/* SPDX-License-Identifier: MIT */
/*
 * The results of the sharing hypercall, in one table: what an entry's status
 * says, the -errno of a single offer, and what the service in share/ answered,
 * if it was asked.
 */
#include <port.h>
#include <errno.h>

#include "offer/result.h"

struct result {
	int16_t error;		/* of a single offer */
	/* enum share_error; 0: decided before the service is asked */
	int8_t service;
};

static const struct result results[] = {
	[SHARE_DONE]		= { 0, SHARE_OK },
	[SHARE_NOT_MAPPED]	= { -ENOENT },
	[SHARE_BAD_PTE]		= { -ENOENT },
	[SHARE_NOT_OWNED]	= { -EPERM },
	[SHARE_OTHER_WRITABLE]	= { -EBUSY },
	[SHARE_OTHER_MAPPING]	= { -EBUSY },
	[SHARE_TYPE]		= { -EBUSY },
	[SHARE_GRANTED]		= { -EBUSY },
	[SHARE_ALREADY]		= { -EEXIST },
	[SHARE_NOT_SHARED]	= { -ENOENT },
	[SHARE_FULL]		= { -ENOSPC, SHARE_ERR_FULL },
	[SHARE_LIMIT]		= { -ENOSPC, SHARE_ERR_LIMIT },
	[SHARE_NO_MEMORY]	= { -ENOMEM, SHARE_ERR_NOMEM },
	[SHARE_NOT_TRIED]	= { -EINVAL },
	[SHARE_HELD]		= { -EEXIST, SHARE_ERR_HELD },
};

long result_errno(enum shareop_result r)
{
	return results[r].error;
}

enum shareop_result result_of_offer(enum share_error e)
{
	unsigned int r;

	for (r = 0; r < ARRAY_COUNT(results); r++)
		if (results[r].service == e)
			return r;
	/* SHARE_ERR_COUNT: more mappings in one offer than a frame may have. */
	return SHARE_FULL;
}
