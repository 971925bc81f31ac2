/* SPDX-License-Identifier: MIT */
/* See record.h. */
#include <stdio.h>
#include <string.h>

#include "harness/record.h"

/* Take "(d12 web1) " off; the text behind it, or the line itself. */
static const char *take_prefix(struct record *r, const char *line)
{
	unsigned long long id;
	int used = 0;

	if (sscanf(line, "(d%llu %63[^)]) %n", &id, r->name, &used) != 2 ||
	    !used)
		return line;
	r->domid = id;
	r->domain = r->name;
	return line + used;
}

void record_parse(struct record *r, const char *line)
{
	char *word, *save = NULL;

	r->domid = 0;
	r->domain = NULL;
	r->topic = NULL;
	r->count = 0;
	r->text = take_prefix(r, line);
	if (r->text[0] != '@')
		return;
	snprintf(r->buffer, sizeof(r->buffer), "%s", r->text + 1);
	r->topic = strtok_r(r->buffer, " ", &save);
	while ((word = strtok_r(NULL, " ", &save))) {
		char *eq = strchr(word, '=');

		if (!eq || r->count == RECORD_FIELDS_MAX)
			continue;
		*eq = '\0';
		r->key[r->count] = word;
		r->value[r->count++] = eq + 1;
	}
}

const char *record_text(const struct record *r, const char *key)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->key[i], key))
			return r->value[i];
	return NULL;
}

uint64_t record_number(const struct record *r, const char *key,
		       uint64_t otherwise)
{
	const char *s = record_text(r, key);
	uint64_t n;

	return s && parse_number(s, 0, UINT64_MAX, &n) ? n : otherwise;
}

bool record_is(const struct record *r, const char *key, const char *value)
{
	const char *s = record_text(r, key);

	return s && !strcmp(s, value);
}
