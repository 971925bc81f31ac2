/* SPDX-License-Identifier: MIT */
/* Tables of pasturectl; see show.h. */
#include "harness/util.h"
#include "tools/show.h"

static double mib(uint64_t pages)
{
	return (double)pages * PAGE_BYTES / MIB;
}

void show_list(FILE *f, const struct model *m)
{
	fprintf(f, "%-16s %5s  %-12s %-8s %5s %9s %9s %9s %9s %9s %9s\n", "NAME",
		"ID", "GROUP", "STATE", "VCPUS", "OWN", "SHARED", "BACK",
		"BREAKS", "REFUSED", "CPU");
	for (size_t i = 0; i < m->count; i++) {
		const struct pairs *p = &m->guests[i].said;
		struct model_pages n = model_pages_of(&m->guests[i]);

		fprintf(f, "%-16s %5s  %-12s %-8s %5s %5.1f MiB %5.1f MiB %5.1f MiB %9s %9s %7.1f s\n",
			pairs_text(p, "name"), pairs_text(p, "id"),
			pairs_text(p, "group"), pairs_text(p, "state"),
			pairs_text(p, "vcpus"), mib(n.own), mib(n.shared),
			mib(n.back), pairs_text(p, "breaks"),
			pairs_text(p, "refused"),
			(double)pairs_number(p, "cpu_ms") / 1000);
	}
}

void show_stats(FILE *f, const struct model *m)
{
	for (unsigned int k = 0; k < MODEL_PARTS; k++)
		for (size_t i = 0; i < m->part[k].count; i++)
			fprintf(f, "%-8s %-18s %s\n", model_parts[k],
				m->part[k].key[i], m->part[k].value[i]);
}
