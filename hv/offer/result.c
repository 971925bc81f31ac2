/* SPDX-License-Identifier: MIT */
/*
 * The results of the sharing hypercall, in one table: what an entry's status
 * says, the -errno of a single offer, what the service in share/ answered, if
 * it was asked, and the operator's word; and how often each was the answer.
 */
#include <port.h>
#include <errno.h>

#include "offer/result.h"

struct result {
	int16_t error;		/* of a single offer */
	/* enum share_error; 0: decided before the service is asked */
	int8_t service;
	const char *name;
};

static const struct result results[] = {
	[SHARE_DONE]		= { 0, SHARE_OK, "done" },
	[SHARE_NOT_MAPPED]	= { -ENOENT, 0, "not-mapped" },
	[SHARE_BAD_PTE]	= { -ENOENT, 0, "bad-pte" },
	[SHARE_NOT_OWNED]	= { -EPERM, 0, "not-owned" },
	[SHARE_OTHER_WRITABLE]	= { -EBUSY, 0, "other-writable" },
	[SHARE_OTHER_MAPPING]	= { -EBUSY, 0, "other-mapping" },
	[SHARE_TYPE]		= { -EBUSY, 0, "type" },
	[SHARE_GRANTED]	= { -EBUSY, 0, "granted" },
	[SHARE_ALREADY]	= { -EEXIST, 0, "already" },
	[SHARE_NOT_SHARED]	= { -ENOENT, 0, "not-shared" },
	[SHARE_FULL]		= { -ENOSPC, SHARE_ERR_FULL, "full" },
	[SHARE_LIMIT]		= { -ENOSPC, SHARE_ERR_LIMIT, "limit" },
	[SHARE_NO_MEMORY]	= { -ENOMEM, SHARE_ERR_NOMEM, "no-memory" },
	[SHARE_NOT_TRIED]	= { -EINVAL, 0, "not-tried" },
	[SHARE_HELD]		= { -EEXIST, SHARE_ERR_HELD, "held" },
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

/* atomic; of offers alone */
static uint64_t refusals[ARRAY_COUNT(results)];

void result_refused(enum shareop_result r)
{
	atomic_add(&refusals[r], 1);
}

const char *result_name(unsigned int r)
{
	return r < ARRAY_COUNT(results) ? results[r].name : NULL;
}

uint64_t result_refusals(unsigned int r)
{
	return atomic_load_relaxed(&refusals[r]);
}
