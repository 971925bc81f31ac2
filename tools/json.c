/* SPDX-License-Identifier: MIT */
/* A model as JSON; see show.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util.h"
#include "tools/show.h"

/* A name may look like a number, and is none. */
static json_t *value(const char *key, const char *text)
{
	uint64_t n;

	if (strcmp(key, "name") && strcmp(key, "group") &&
	    parse_number(text, 0, INT64_MAX, &n))
		return json_integer((json_int_t)n);
	return json_string(text);
}

static json_t *object(const struct pairs *p)
{
	json_t *o = json_object();

	for (size_t i = 0; i < p->count; i++)
		json_object_set_new(o, p->key[i], value(p->key[i], p->value[i]));
	return o;
}

void show_json(FILE *f, const struct model *m, bool one_line)
{
	json_t *root = json_object(), *guests = json_array();

	json_object_set_new(root, "format", json_integer(1));
	for (unsigned int k = 0; k < MODEL_PARTS; k++)
		if (m->part[k].count)
			json_object_set_new(root, model_parts[k], object(&m->part[k]));
	for (size_t i = 0; i < m->count; i++)
		json_array_append_new(guests, object(&m->guests[i].said));
	json_object_set_new(root, "guests", guests);
	json_dumpf(root, f, one_line ? JSON_COMPACT : JSON_INDENT(2));
	fputc('\n', f);
	json_decref(root);
}
