/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/report.h"

#define GUESTS_LISTED	16

typedef unsigned long long ull;

static double mib(uint64_t bytes)
{
	return (double)bytes / MIB;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_guests(const struct run *r)
{
	printf("\n  guest  group   memory   private     saved    pages  offered "
	       "  breaks  re-offered  errors   time  end\n");
	for (uint64_t i = 0; i < r->count; i++) {
		const struct guest *g = &r->guests[i];

		printf("  %-6s %-5s %5.1f MiB %5.1f MiB %5.1f MiB %8llu %8llu "
		       "%8llu  %10llu %7llu %4.1f s  %s\n", g->name, g->group,
		       mib(figures_guest_memory(g) * PAGE_BYTES),
		       mib(figures_guest_private(r, g) * PAGE_BYTES),
		       mib(figures_guest_saved(r, g) * PAGE_BYTES),
		       (ull)g->pages, (ull)g->offered, (ull)g->breaks,
		       (ull)g->reoffered,
		       (ull)(g->verify_errors + g->read_errors),
		       (double)g->ms / 1000, g->dead ? g->reason : "runs");
	}
}

static void print_memory(const struct run *r, const struct figures *f)
{
	uint64_t saved = f->saved_pages * PAGE_BYTES;

	printf("\n  memory that these guests need     %9.1f MiB\n",
	       mib(f->memory_without_sharing));
	printf("  memory that they use              %9.1f MiB  in frames, shared "
	       "ones counted once\n", mib(f->memory_with_sharing));
	printf("  saved                             %9.1f MiB  %5.1f %%\n",
	       mib(saved), percent(saved, f->memory_without_sharing));
	if (f->overhead_per_guest)
		printf("  a guest costs besides its pages   %9.1f KiB\n",
		       (double)f->overhead_per_guest / 1024);
	if (r->options->command == COMMAND_MANY && f->create_ms > 0)
		printf("  to create one, to destroy one     %9.1f ms   %5.1f ms\n",
		       f->create_ms, f->destroy_ms);
}

/* How many guests ran in how much. */
static void print_overcommit(const struct run *r, const struct figures *f)
{
	uint64_t given = f->memory_given;

	if (!r->options->overcommit)
		return;
	printf("  free when the first was started   %9.1f MiB  %llu guests at "
	       "once, %llu of which waited for memory\n",
	       mib(f->memory_at_start), (ull)r->final.domains,
	       (ull)f->guests_waited);
	printf("  they were created with more by    %9.1f %%\n",
	       given > f->memory_at_start ?
	       percent(given - f->memory_at_start, f->memory_at_start) : 0);
}

/* Only where the harness knows every page that the guests offered. */
static void print_optimum(const struct run *r, const struct figures *f)
{
	const struct expectation *e = &r->plan->expect;

	if (!e->pages)
		return;
	printf("\n  of the pages offered, a perfect\n    deduplicator saves       "
	       "       %9.1f MiB  %llu pages of files, %llu differ\n",
	       mib(f->optimum_pages * PAGE_BYTES), (ull)e->pages,
	       (ull)e->distinct);
	printf("    Pasture reached                 %9.1f %%    of that\n",
	       100 * f->saved_over_optimum);
}

/* Offered or not: what the guests have, read from the machine's memory. */
static void print_machine(const struct run *r, const struct figures *f)
{
	const struct memory *m = &r->memory;

	if (!m->known)
		return;
	printf("  of all memory of the guests       %9.1f MiB  %llu frames, %llu "
	       "differ\n", mib(f->machine_optimum_pages * PAGE_BYTES),
	       (ull)(m->owned + m->shared), (ull)m->distinct);
	printf("    Pasture reached                 %9.1f %%    of that; the rest: "
	       "%llu pages of zeros, %llu that equal\n%51sa shared one, %llu "
	       "that equal each other", 100 * f->saved_over_machine_optimum,
	       (ull)f->rest_zero, (ull)f->rest_shared, "",
	       (ull)f->rest_private);
	if (f->rest_groups)
		printf(",\n%51s%llu shared in several groups", "",
		       (ull)f->rest_groups);
	putchar('\n');
}

static void print_pages(const struct figures *f)
{
	printf("\n  pages shared (frames)   %9llu    further mappings of them "
	       "(sharing) %llu\n", (ull)f->pages_shared,
	       (ull)f->pages_sharing);
	printf("  zero pages (mappings)   %9llu    CoW breaks %llu    offers "
	       "refused %llu\n", (ull)f->zero_pages, (ull)f->cow_breaks,
	       (ull)f->refused);
	printf("  metadata                %9.1f MiB  %.1f bytes per machine "
	       "frame, and %.1f MiB for what is shared\n",
	       mib(f->metadata_bytes), f->metadata_bytes_per_frame,
	       mib(f->sharing_metadata_bytes));
}

static void print_errors(const struct figures *f)
{
	printf("\n  pages that differ from their files %llu    frames lost %llu    "
	       "audit errors %llu\n  frames shared across groups %llu\n",
	       (ull)f->verify_errors, (ull)f->frames_lost,
	       (ull)f->audit_errors, (ull)f->cross_group_shares);
}

void report_table(const struct run *r, const struct figures *f)
{
	const struct options *o = r->options;

	printf("\nPasture: %llu guest%s in %llu group%s, %llu CPUs (%s, %s), "
	       "machine of %llu MiB, %.1f s\n", (ull)r->count,
	       r->count == 1 ? "" : "s", (ull)o->tenants,
	       o->tenants == 1 ? "" : "s", (ull)o->cpus, o->cpu_model,
	       o->accel, (ull)r->plan->mem_mib, r->seconds);
	if (r->has_final) {
		print_memory(r, f);
		print_overcommit(r, f);
	}
	if (r->count <= GUESTS_LISTED)
		print_guests(r);
	if (r->has_final) {
		print_optimum(r, f);
		print_machine(r, f);
		print_pages(f);
		print_errors(f);
	}
	for (size_t i = 0; i < r->problems.count; i++)
		printf("\n  WRONG: %s", r->problems.v[i]);
	printf("\n%s\n", r->problems.count ? "" : "  All is well.");
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *json_figures(const struct figures *f)
{
	json_t *o = json_object();
	const struct { const char *key; uint64_t value; } n[] = {
		{ "guests", f->guests },
		{ "pages_offered", f->pages_offered },
		{ "pages_shared", f->pages_shared },
		{ "pages_sharing", f->pages_sharing },
		{ "zero_pages", f->zero_pages },
		{ "cow_breaks", f->cow_breaks },
		{ "optimum_pages", f->optimum_pages },
		{ "saved_pages", f->saved_pages },
		{ "verify_errors", f->verify_errors },
		{ "frames_lost", f->frames_lost },
		{ "audit_errors", f->audit_errors },
		{ "cross_group_shares", f->cross_group_shares },
		{ "offers_refused", f->refused },
		{ "metadata_bytes", f->metadata_bytes },
		{ "sharing_metadata_bytes", f->sharing_metadata_bytes },
		{ "memory_without_sharing", f->memory_without_sharing },
		{ "memory_with_sharing", f->memory_with_sharing },
		{ "memory_given", f->memory_given },
		{ "memory_at_start", f->memory_at_start },
		{ "guests_waited", f->guests_waited },
		{ "overhead_per_guest", f->overhead_per_guest },
		{ "machine_optimum_pages", f->machine_optimum_pages },
		{ "rest_zero_pages", f->rest_zero },
		{ "rest_equal_to_shared", f->rest_shared },
		{ "rest_equal_private", f->rest_private },
		{ "rest_other_groups", f->rest_groups },
	};

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		json_object_set_new(o, n[i].key, number(n[i].value));
	json_object_set_new(o, "saved_over_optimum",
			    json_real(f->saved_over_optimum));
	json_object_set_new(o, "saved_over_machine_optimum",
			    json_real(f->saved_over_machine_optimum));
	json_object_set_new(o, "create_ms", json_real(f->create_ms));
	json_object_set_new(o, "destroy_ms", json_real(f->destroy_ms));
	json_object_set_new(o, "general_profit", json_real(f->general_profit));
	json_object_set_new(o, "metadata_bytes_per_frame",
			    json_real(f->metadata_bytes_per_frame));
	return o;
}

static json_t *json_guest(const struct run *r, const struct guest *g)
{
	json_t *o = json_object();
	const struct { const char *key; uint64_t value; } n[] = {
		{ "memory_pages", g->memory_pages }, { "files", g->files },
		{ "pages", g->pages }, { "offered", g->offered },
		{ "shared", g->shared }, { "refused", g->refused },
		{ "zero", g->zero }, { "faults", g->faults },
		{ "breaks", g->breaks }, { "reoffered", g->reoffered },
		{ "verify_errors", g->verify_errors },
		{ "read_errors", g->read_errors }, { "ms", g->ms },
		{ "returned", g->returned },
		{ "private_pages", figures_guest_private(r, g) },
		{ "saved_pages", figures_guest_saved(r, g) },
	};

	json_object_set_new(o, "name", json_string(g->name));
	json_object_set_new(o, "group", json_string(g->group));
	json_object_set_new(o, "end", json_string(g->dead ? g->reason : "runs"));
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		json_object_set_new(o, n[i].key, number(n[i].value));
	return o;
}

static json_t *json_machine(const struct run *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "cpus", number(r->options->cpus));
	json_object_set_new(o, "memory_mib", number(r->plan->mem_mib));
	json_object_set_new(o, "accel", json_string(r->options->accel));
	json_object_set_new(o, "cpu_model", json_string(r->options->cpu_model));
	json_object_set_new(o, "overcommit",
			    json_boolean(r->options->overcommit));
	json_object_set_new(o, "groups", number(r->options->tenants));
	json_object_set_new(o, "seconds", json_real(r->seconds));
	return o;
}

void report_json(const struct run *r, const struct figures *f,
		 const char *dir)
{
	json_t *root = json_object(), *guests = json_array();
	json_t *problems = json_array(), *files = json_array();
	char *path = xasprintf("%s/report.json", dir);

	for (uint64_t i = 0; i < r->count; i++)
		json_array_append_new(guests, json_guest(r, &r->guests[i]));
	for (size_t i = 0; i < r->problems.count; i++)
		json_array_append_new(problems,
				      json_string(r->problems.v[i]));
	for (size_t i = 0; i < r->plan->files.count; i++)
		json_array_append_new(files,
			json_string(r->plan->files.v[i].path));
	json_object_set_new(root, "format", json_integer(1));
	json_object_set_new(root, "ok", json_boolean(!r->problems.count));
	json_object_set_new(root, "problems", problems);
	json_object_set_new(root, "machine", json_machine(r));
	json_object_set_new(root, "figures", json_figures(f));
	json_object_set_new(root, "guests", guests);
	json_object_set_new(root, "files", files);
	if (json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)))
		die("cannot write %s", path);
	json_decref(root);
	free(path);
}
