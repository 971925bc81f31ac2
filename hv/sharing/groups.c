/* SPDX-License-Identifier: MIT */
/* See groups.h. */
#include <port.h>

#include "dom/domain.h"
#include "sharing/groups.h"

/* Below `count` constant. */
static char names[GROUPS_MAX][DOMAIN_NAME_MAX];		/* lock */
static uint32_t count;					/* lock; read without */
static struct spinlock lock = SPINLOCK_INIT(LOCK_DOMLIST);

uint16_t groups_id(const char *name)
{
	uint32_t i;

	spin_lock(&lock);
	for (i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			break;
	if (i == count && i < GROUPS_MAX) {
		str_copy(names[i], sizeof(names[i]), name);
		atomic_store_release(&count, i + 1);
	}
	spin_unlock(&lock);
	return i < GROUPS_MAX ? i + 1 : 0;
}

const char *groups_name(uint32_t id)
{
	return id && id <= atomic_load(&count) ? names[id - 1] : NULL;
}
