/* SPDX-License-Identifier: MIT */
/*
 * pasture-replay: what would sharing save of these pages?  Memory images or
 * files go through share/, the engine that the hypervisor runs, with guests and
 * groups as in a machine; a table says what became of them, and report.json and
 * pages.csv have it page by page (docs/researcher.md).
 *
 * A mistake is one line and exit status 2.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/replay/engine.h"

static const char usage[] =
"usage: pasture-replay [-o FOLDER] [GROUP:]PATH...\n"
"\n"
"  Each PATH is a guest: a memory image, or a folder whose files are its page cache.\n"
"  Guests share within a GROUP; without one they are in the group \"all\".\n"
"  @FILE in place of a word: the words of that file, a line each.\n"
"\n"
"  -o FOLDER   report.json and pages.csv go there; default build/replay\n";

static double mib(uint64_t pages)
{
	return (double)pages * PAGE_BYTES / MIB;
}

static uint64_t saved(const struct replay_counts *c)
{
	return c->pages - c->frames;
}

/* --- the table --- */

static void line(const char *name, const struct replay_counts *c)
{
	printf("  %-28.28s %9.1f", name, mib(c->pages));
	for (unsigned int k = 0; k < KINDS; k++)
		printf(" %9.1f", mib(c->kind[k]));
	putchar('\n');
}

static void table(const struct images *im, const struct replay *r)
{
	printf("  %-28s %9s %9s %9s %9s %9s %9s %9s\n", "MiB", "all", "zero", "within",
	       "between", "first", "elsewhere", "alone");
	for (unsigned int i = 0; i < im->guests; i++)
		line(im->guest[i].name, &r->guest[i]);
	for (unsigned int i = 0; i < im->groups.count; i++)
		printf("\n  group %s: %.1f MiB in %.1f MiB of memory, %.1f %% saved\n",
		       im->groups.v[i], mib(r->group[i].pages), mib(r->group[i].frames),
		       100.0 * (double)saved(&r->group[i]) / (double)r->group[i].pages);
	printf("\n  In all %.1f MiB in %.1f MiB: %.1f MiB saved, less %.2f MiB of records.\n",
	       mib(r->all.pages), mib(r->all.frames), mib(saved(&r->all)),
	       (double)r->metadata_bytes / MIB);
}

/* --- files --- */

static FILE *create(const char *folder, const char *name, char **path)
{
	FILE *f;

	*path = xasprintf("%s/%s", folder, name);
	f = fopen(*path, "w");
	if (!f)
		die("%s: %s", *path, strerror(errno));
	return f;
}

static void finish(FILE *f, char *path)
{
	if (ferror(f) | fclose(f))
		die("%s: cannot be written: %s", path, strerror(errno));
	free(path);
}

/* A name in double quotes, as RFC 4180 has it. */
static void csv_text(FILE *f, const char *text)
{
	putc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', f);
		putc(*text, f);
	}
	putc('"', f);
}

static void csv_guest(FILE *f, const struct images *im, const struct image_guest *g,
		      const struct replay_page *p)
{
	for (uint32_t n = 0; n < g->files; n++)
		for (uint64_t i = 0; i < g->file[n].count; i++, p++) {
			csv_text(f, im->groups.v[g->group]);
			putc(',', f);
			csv_text(f, g->name);
			putc(',', f);
			csv_text(f, g->file[n].path);
			fprintf(f, ",%lu,%s,%u\n", (unsigned long)i,
				kind_names[p->kind], p->frame);
		}
}

static void csv(const struct images *im, const struct replay *r, const char *folder)
{
	const struct replay_page *p = r->page;
	char *path;
	FILE *f = create(folder, "pages.csv", &path);

	fputs("group,guest,file,page,kind,content\n", f);
	for (unsigned int i = 0; i < im->guests; i++) {
		csv_guest(f, im, &im->guest[i], p);
		p += im->guest[i].pages;
	}
	finish(f, path);
}

static json_t *counts_json(const char *name, const struct replay_counts *c)
{
	json_t *o = json_pack("{s:s, s:I}", "name", name, "pages", (json_int_t)c->pages);

	for (unsigned int k = 0; k < KINDS; k++)
		json_object_set_new(o, kind_names[k], json_integer((json_int_t)c->kind[k]));
	return o;
}

static json_t *figures_json(const struct replay *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "pages", (json_int_t)r->all.pages,
			 "frames", (json_int_t)r->all.frames, "pages_saved",
			 (json_int_t)saved(&r->all), "metadata_bytes",
			 (json_int_t)r->metadata_bytes, "general_profit",
			 (json_int_t)(saved(&r->all) * PAGE_BYTES) -
			 (json_int_t)r->metadata_bytes);
}

static void report(const struct images *im, const struct replay *r, const char *folder)
{
	json_t *groups = json_array(), *guests = json_array(), *o;
	char *path;
	FILE *f = create(folder, "report.json", &path);

	for (unsigned int i = 0; i < im->groups.count; i++) {
		o = counts_json(im->groups.v[i], &r->group[i]);
		json_object_set_new(o, "frames", json_integer((json_int_t)r->group[i].frames));
		json_array_append_new(groups, o);
	}
	for (unsigned int i = 0; i < im->guests; i++) {
		o = counts_json(im->guest[i].name, &r->guest[i]);
		json_object_set_new(o, "group", json_string(im->groups.v[im->guest[i].group]));
		json_array_append_new(guests, o);
	}
	o = json_pack("{s:o, s:o, s:o}", "figures", figures_json(r), "groups", groups,
		      "guests", guests);
	if (!o || json_dumpf(o, f, JSON_INDENT(2)))
		die("%s: cannot be written", path);
	putc('\n', f);
	finish(f, path);
	json_decref(o);
}

/* --- words --- */

static void list_add(struct images *im, const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f)
		die("%s: %s", path, strerror(errno));
	while ((n = getline(&text, &room, f)) > 0) {
		text[strcspn(text, "\n")] = 0;
		if (*text && *text != '#')
			images_add(im, text);
	}
	free(text);
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *folder = "build/replay";
	struct images im = { 0 };
	struct replay r;
	int i = 1;

	if (argc > 2 && !strcmp(argv[1], "-o")) {
		folder = argv[2];
		i = 3;
	}
	if (i >= argc || argv[i][0] == '-') {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	for (; i < argc; i++)
		if (argv[i][0] == '@')
			list_add(&im, argv[i] + 1);
		else
			images_add(&im, argv[i]);
	if (!im.guests)
		die("no guest is named");
	make_dirs(folder);
	replay_run(&r, &im);
	table(&im, &r);
	csv(&im, &r, folder);
	report(&im, &r, folder);
	printf("  %s/report.json and pages.csv have each page.\n", folder);
	replay_free(&r);
	images_free(&im);
	return 0;
}
