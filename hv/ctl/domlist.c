/* SPDX-License-Identifier: MIT */
/* See domlist.h. */
#include <port.h>

#include "ctl/domlist.h"
#include "dom/domain.h"
#include "mm/objpool.h"

/* Constant after boot. */
static struct domain_config **configs;
static uint32_t count;

bool domlist_init(void)
{
	configs = obj_alloc(MAX_DOMAINS * sizeof(configs[0]));
	return configs;
}

struct domain_config *domlist_new(void)
{
	struct domain_config *c;

	if (count == MAX_DOMAINS)
		return NULL;
	c = obj_alloc(sizeof(*c));
	if (c)
		configs[count++] = c;
	return c;
}

uint32_t domlist_count(void)
{
	return count;
}

const struct domain_config *domlist_at(uint32_t i)
{
	return configs[i];
}

const struct domain_config *domlist_find(const char *name, uint32_t *instance)
{
	uint64_t number = 1;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (config_names(configs[i], name)) {
			if (configs[i]->count > 1)
				(void)str_to_u64(name + strlen(configs[i]->name),
						 &number);
			*instance = number - 1;
			return configs[i];
		}
	return NULL;
}
