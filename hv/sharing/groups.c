/* SPDX-License-Identifier: MIT */
/* See groups.h (GROUP1 to GROUP4). */
#include <port.h>

#include "dom/domain.h"
#include "sharing/groups.h"

/* lock; its id is its place + 1 */
static struct group {
	char name[DOMAIN_NAME_MAX];
	uint32_t number;	/* 0: nobody's place yet */
	uint32_t domains;
	uint64_t asked;		/* when, in questions */
} groups[GROUPS_MAX];
_Static_assert(GROUPS_MAX >= MAX_DOMAINS, "GROUP4");
static uint32_t last_number;	/* lock; that was given away */
static uint64_t questions;	/* lock */
static struct spinlock lock = SPINLOCK_INIT(LOCK_DOMLIST);

static struct group *find(const char *name) needs_lock(&lock)
{
	unsigned int i;

	for (i = 0; i < GROUPS_MAX; i++)
		if (groups[i].number && !strcmp(groups[i].name, name))
			return &groups[i];
	return NULL;
}

/* The place for a new one (GROUP2). */
static struct group *place(void) needs_lock(&lock)
{
	struct group *best = NULL;
	unsigned int i;

	for (i = 0; i < GROUPS_MAX; i++)
		if (!groups[i].domains && (!best || groups[i].asked < best->asked))
			best = &groups[i];
	return best;
}

/* NULL: there is no place, or no number. */
static struct group *get(const char *name) needs_lock(&lock)
{
	struct group *g = find(name);

	if (!g && last_number < GROUP_NUMBER_LAST) {
		g = place();
		if (g) {
			g->number = ++last_number; /* GROUP3 */
			str_copy(g->name, sizeof(g->name), name);
		}
	}
	if (g)
		g->asked = ++questions;
	return g;
}

uint32_t groups_number(const char *name)
{
	const struct group *g;
	uint32_t number;

	spin_lock(&lock);
	g = get(name);
	number = g ? g->number : 0;
	spin_unlock(&lock);
	return number;
}

bool groups_name(uint32_t number, char *name)
{
	bool there = false;
	unsigned int i;

	spin_lock(&lock);
	for (i = 0; i < GROUPS_MAX && number && !there; i++) {
		there = groups[i].number == number;
		if (there)
			str_copy(name, DOMAIN_NAME_MAX, groups[i].name);
	}
	spin_unlock(&lock);
	return there;
}

uint16_t groups_join(const char *name, uint32_t *number)
{
	struct group *g;

	spin_lock(&lock);
	g = get(name);
	if (g) {
		g->domains++;
		*number = g->number;
	}
	spin_unlock(&lock);
	return g ? (uint16_t)(g - groups + 1) : 0;
}

void groups_leave(uint16_t id)
{
	spin_lock(&lock);
	CHECK(groups[id - 1].domains);
	groups[id - 1].domains--;
	spin_unlock(&lock);
}
