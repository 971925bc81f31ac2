/* SPDX-License-Identifier: MIT */
/* See model.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util.h"
#include "tools/model.h"

const char *const model_parts[MODEL_PARTS] = {
	[MODEL_MACHINE] = "machine", [MODEL_SHARING] = "sharing",
	[MODEL_REFUSED] = "refused", [MODEL_AUDIT] = "audit",
};

static char *find(struct pairs *p, const char *key)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->key[i], key))
			return p->value[i];
	return NULL;
}

const char *pairs_text(const struct pairs *p, const char *key)
{
	const char *value = find((struct pairs *)(uintptr_t)p, key);

	return value ? value : "";
}

uint64_t pairs_number(const struct pairs *p, const char *key)
{
	return strtoull(pairs_text(p, key), NULL, 10);
}

static void set(struct pairs *p, const char *key, const char *value)
{
	char *place = find(p, key);

	if (!place) {
		if (p->count == MODEL_KEYS || strlen(key) >= sizeof(p->key[0]))
			return;
		strcpy(p->key[p->count], key);
		place = p->value[p->count++];
	}
	snprintf(place, sizeof(p->value[0]), "%s", value);
}

/* The words of a line that are key=value. */
static void take(struct pairs *p, const char *line)
{
	char copy[1024], *word, *save = NULL, *eq;

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		eq = strchr(word, '=');
		if (!eq)
			continue;
		*eq = '\0';
		set(p, word, eq + 1);
	}
}

/* Where the guest of that number is, or would be. */
static size_t place_of(const struct model *m, uint64_t id)
{
	size_t i = 0;

	while (i < m->count && m->guests[i].id < id)
		i++;
	return i;
}

static bool is_at(const struct model *m, size_t i, uint64_t id)
{
	return i < m->count && m->guests[i].id == id;
}

static void take_guest(struct model *m, const char *line)
{
	struct pairs said = { 0 };
	uint64_t id;
	size_t i;

	take(&said, line);
	id = pairs_number(&said, "id");
	i = place_of(m, id);
	if (is_at(m, i, id)) {
		take(&m->guests[i].said, line);
		return;
	}
	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 16;
		m->guests = xrealloc(m->guests, m->room * sizeof(*m->guests));
	}
	memmove(m->guests + i + 1, m->guests + i,
		(m->count++ - i) * sizeof(*m->guests));
	m->guests[i] = (struct model_guest){ .id = id, .said = said };
}

static void take_gone(struct model *m, const char *line)
{
	struct pairs said = { 0 };
	size_t i;

	take(&said, line);
	i = place_of(m, pairs_number(&said, "id"));
	if (is_at(m, i, pairs_number(&said, "id")))
		memmove(m->guests + i, m->guests + i + 1,
			(--m->count - i) * sizeof(*m->guests));
}

/* Counters only grow; but a machine may say what it likes. */
static double rate(uint64_t now, uint64_t before, uint64_t ms)
{
	return now > before && ms ? (double)(now - before) * 1000 / (double)ms : 0;
}

void model_follows(struct model *m, const struct model *old)
{
	uint64_t before = old->t_ms, offers = old->offers, breaks = old->breaks;
	uint64_t ms;

	m->updates = old->updates + 1;
	m->t_ms = pairs_number(&m->part[MODEL_MACHINE], "t_ms");
	m->offers = pairs_number(&m->part[MODEL_SHARING], "offers");
	m->breaks = pairs_number(&m->part[MODEL_SHARING], "cow_breaks");
	ms = m->updates > 1 && m->t_ms > before ? m->t_ms - before : 0;
	m->offers_rate = rate(m->offers, offers, ms);
	m->breaks_rate = rate(m->breaks, breaks, ms);
}

const struct model_guest *model_named(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(pairs_text(&m->guests[i].said, "name"), name))
			return &m->guests[i];
	return NULL;
}

bool model_line(struct model *m, const char *line)
{
	size_t n = strcspn(line, " ");
	struct pairs said = { 0 };

	for (unsigned int i = 0; i < MODEL_PARTS; i++)
		if (strlen(model_parts[i]) == n && !strncmp(line, model_parts[i], n))
			take(&m->part[i], line);
	if (!strncmp(line, "guest ", 6)) {
		take_guest(m, line);
	} else if (!strncmp(line, "gone ", 5)) {
		take_gone(m, line);
	} else if (!strncmp(line, "update ", 7)) {
		take(&said, line);
		m->missed = pairs_number(&said, "missed");
	} else if (!strncmp(line, "end ", 4)) {
		model_follows(m, m);
		return true;
	}
	return false;
}

void model_free(struct model *m)
{
	free(m->guests);
	*m = (struct model){ 0 };
}

struct model_pages model_pages_of(const struct model_guest *g)
{
	uint64_t most = pairs_number(&g->said, "max");
	struct model_pages p = {
		.own = pairs_number(&g->said, "pages"),
		.shared = pairs_number(&g->said, "mappings"),
	};

	p.back = most > p.own + p.shared ? most - p.own - p.shared : 0;
	return p;
}
