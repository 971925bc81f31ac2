/* SPDX-License-Identifier: MIT */
/*
 * The machine lines on the serial line: "@topic key=value key=value", from the
 * hypervisor, or from a guest behind "(d<id> <name>) ".
 */
#ifndef HARNESS_RECORD_H
#define HARNESS_RECORD_H

#include "harness/util.h"

#define RECORD_FIELDS_MAX 64

struct record {
	uint64_t domid;		/* 0: the hypervisor's own line */
	const char *domain;	/* the guest's name, or NULL */
	const char *text;	/* what follows the prefix */
	/* "stat" of "@stat", or NULL: not a machine line */
	const char *topic;
	size_t count;
	const char *key[RECORD_FIELDS_MAX], *value[RECORD_FIELDS_MAX];
	char buffer[2048];	/* what topic, key and value point into */
	char name[64];
};

/* Any line; unknown ones have topic NULL.  `line` must outlive r->text. */
void record_parse(struct record *r, const char *line);
/* The value, or NULL. */
const char *record_text(const struct record *r, const char *key);
/* The number, or `otherwise` if it is not there or is not one. */
uint64_t record_number(const struct record *r, const char *key,
		       uint64_t otherwise);
bool record_is(const struct record *r, const char *key, const char *value);

#endif
