/* SPDX-License-Identifier: MIT */
/*
 * A model for Prometheus, in the text format that node_exporter's textfile
 * collector reads; see show.h.  Names are pasture_*, memory in bytes, times in
 * seconds, and what only grows ends in _total.
 */
#include <string.h>

#include "harness/util.h"
#include "tools/show.h"

struct metric {
	enum model_part part;
	const char *key, *name, *help;
	double unit;
	bool counter;
};

#define PAGES	((double)PAGE_BYTES)

static const struct metric machine[] = {
	{ MODEL_MACHINE, "total", "memory_bytes", "memory of the machine", PAGES, false },
	{ MODEL_MACHINE, "free", "memory_free_bytes", "frames that are free", PAGES, false },
	{ MODEL_MACHINE, "unpromised", "memory_unpromised_bytes", "memory promised to nobody", PAGES, false },
	{ MODEL_MACHINE, "owned", "guests_own_bytes", "private pages of all guests", PAGES, false },
	{ MODEL_MACHINE, "domains", "guests", "guests that there are", 1, false },
	{ MODEL_MACHINE, "cpus", "cpus", "processors", 1, false },
	{ MODEL_MACHINE, "t_ms", "uptime_seconds", "time since the machine started", 0.001, false },
	{ MODEL_MACHINE, "crashed", "guests_crashed_total", "guests that crashed", 1, true },
	{ MODEL_MACHINE, "control_us", "control_seconds_total", "time that the control channel took", 0.000001, true },
	{ MODEL_SHARING, "pages_shared", "shared_bytes", "frames that are shared", PAGES, false },
	{ MODEL_SHARING, "pages_sharing", "saved_bytes", "further mappings of shared frames", PAGES, false },
	{ MODEL_SHARING, "pages_unshared", "unshared_bytes", "shared frames with one mapping", PAGES, false },
	{ MODEL_SHARING, "zero_mappings", "zero_bytes", "mappings of pages of zeros", PAGES, false },
	{ MODEL_SHARING, "metadata_bytes", "metadata_bytes", "what sharing costs", 1, false },
	{ MODEL_SHARING, "offers", "offers_total", "pages offered and taken", 1, true },
	{ MODEL_SHARING, "refusals", "refusals_total", "pages offered and refused", 1, true },
	{ MODEL_SHARING, "cow_breaks", "breaks_total", "shared pages written to", 1, true },
	{ MODEL_AUDIT, "errors", "audit_errors", "of the last audit", 1, false },
	{ MODEL_AUDIT, "age_ms", "audit_age_seconds", "time since the last audit", 0.001, false },
};

static const struct metric guest[] = {
	{ MODEL_PARTS, "pages", "guest_own_bytes", "private pages", PAGES, false },
	{ MODEL_PARTS, "mappings", "guest_shared_bytes", "mappings of shared frames", PAGES, false },
	{ MODEL_PARTS, "max", "guest_max_bytes", "memory that it may have", PAGES, false },
	{ MODEL_PARTS, "offered", "guest_offers_total", "pages offered and taken", 1, true },
	{ MODEL_PARTS, "refused", "guest_refusals_total", "pages offered and refused", 1, true },
	{ MODEL_PARTS, "breaks", "guest_breaks_total", "shared pages written to", 1, true },
	{ MODEL_PARTS, "cpu_ms", "guest_cpu_seconds_total", "processor time", 0.001, true },
};

static bool has(const struct pairs *p, const char *key)
{
	return pairs_text(p, key)[0];
}

static void head(FILE *f, const struct metric *x)
{
	fprintf(f, "# HELP pasture_%s %s\n# TYPE pasture_%s %s\n", x->name, x->help,
		x->name, x->counter ? "counter" : "gauge");
}

static void number(FILE *f, const struct metric *x, const struct pairs *p)
{
	fprintf(f, " %.15g\n", (double)pairs_number(p, x->key) * x->unit);
}

static void label(FILE *f, const char *key, const char *text)
{
	fprintf(f, "%s=\"", key);
	for (; *text; text++)
		fprintf(f, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', f);
}

static void guests(FILE *f, const struct model *m, const struct metric *x)
{
	head(f, x);
	for (size_t i = 0; i < m->count; i++) {
		const struct pairs *p = &m->guests[i].said;

		fprintf(f, "pasture_%s{", x->name);
		label(f, "name", pairs_text(p, "name"));
		fputc(',', f);
		label(f, "group", pairs_text(p, "group"));
		fputc('}', f);
		number(f, x, p);
	}
}

/* By reason; pages of an offer that was refused for it. */
static void refusals(FILE *f, const struct pairs *p)
{
	if (!p->count)
		return;
	fprintf(f, "# HELP pasture_refused_total pages refused, by reason\n"
		"# TYPE pasture_refused_total counter\n");
	for (size_t i = 0; i < p->count; i++) {
		fprintf(f, "pasture_refused_total{");
		label(f, "reason", p->key[i]);
		fprintf(f, "} %s\n", p->value[i]);
	}
}

void show_prometheus(FILE *f, const struct model *m)
{
	for (size_t i = 0; i < sizeof(machine) / sizeof(machine[0]); i++) {
		const struct pairs *p = &m->part[machine[i].part];

		if (!has(p, machine[i].key))
			continue;
		head(f, &machine[i]);
		fprintf(f, "pasture_%s", machine[i].name);
		number(f, &machine[i], p);
	}
	refusals(f, &m->part[MODEL_REFUSED]);
	for (size_t i = 0; i < sizeof(guest) / sizeof(guest[0]); i++)
		guests(f, m, &guest[i]);
}
