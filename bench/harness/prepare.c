/* SPDX-License-Identifier: MIT */
/* See prepare.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/archive.h"
#include "harness/prepare.h"

#define WORKLOAD_KERNEL	"build/guest/workload.elf"
#define MINIMAL_KERNEL	"build/guest/minimal.elf"
#define DENSE_KERNEL	"build/guest/dense.elf"
#define PASTURE		"build/pasture"
#define UEFI_FIRMWARE	"/usr/share/ovmf/OVMF.fd"
#define UEFI_LOADER	"efi.img"	/* what grub-mkrescue makes for it */

#define MANY_MEM_MIB	4096
/* What a guest needs beside its files, and the hypervisor beside its guests. */
#define GUEST_SPARE_MIB	8
#define HV_SPARE_MIB	64
/*
 * With overcommit: the hypervisor; what it keeps free when a guest is started;
 * a guest's tables.
 */
#define HV_LEAST_MIB	20
#define KEPT_MIB	8
#define GUEST_TABLES_KIB 512

/* So that both kinds of write happen often, and most pages stay as they are. */
static const struct workload standard_workload = {
	.seed = 1, .write_percent = 20, .unique_percent = 25, .zero_pages = 64,
};

char *plan_group(const struct options *o, uint64_t g)
{
	return xasprintf("t%llu", (unsigned long long)(g % o->tenants + 1));
}

void link_into(const char *dir, const char *path, const char *name)
{
	char real[PATH_MAX];
	char *to = xasprintf("%s/%s", dir, name);

	if (!realpath(path, real))
		die("%s: %s; run 'make' first", path, strerror(errno));
	unlink(to);
	if (symlink(real, to))
		die("cannot write %s: %s", to, strerror(errno));
	free(to);
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_module(struct plan *p, const char *name, uint64_t bytes)
{
	strings_add(&p->modules, name);
	p->module_bytes += bytes;
}

/* One archive into the folder; returns its size. */
static uint64_t add_archive(struct plan *p, const char *name,
			    enum file_use use, uint64_t guest)
{
	char *path = xasprintf("%s/%s", p->dir, name);
	uint64_t bytes = archive_write(path, &p->files, &p->workload, use,
				       guest);

	add_module(p, name, bytes);
	free(path);
	return bytes;
}

/* All archives; sets guest_mib from the guest that gets most. */
static void write_archives(struct plan *p, const struct options *o)
{
	uint64_t all, some, own_max = 0, pages = 0;

	all = add_archive(p, "all.cpio", FILE_FOR_ALL, 0);
	some = add_archive(p, "some.cpio", FILE_FOR_SOME, 0);
	for (uint64_t g = 0; g < o->guests; g++) {
		char *name = xasprintf("only%llu.cpio",
				       (unsigned long long)g + 1);
		uint64_t own = add_archive(p, name, FILE_FOR_ONE, g);

		own_max = own > own_max ? own : own_max;
		free(name);
	}
	for (size_t i = 0; i < p->files.count; i++)
		if (p->files.v[i].use != FILE_FOR_ONE)
			pages += p->files.v[i].pages;
	/* Once as archive, once as pages. */
	p->guest_mib = round_up((all + some + own_max + own_max +
				 (pages + p->workload.zero_pages) * PAGE_BYTES) /
				MIB + GUEST_SPARE_MIB, 4);
}

static void write_domain(FILE *f, const struct plan *p,
			 const struct options *o, uint64_t g)
{
	unsigned long long number = g + 1;
	char *group = plan_group(o, g);

	fprintf(f, "domain name=g%llu kernel=%s memory=%lluM group=%s", number,
		p->kernel, (unsigned long long)p->guest_mib, group);
	fprintf(f, " modules=all.cpio+%sonly%llu.cpio",
		g / o->tenants % 2 == 0 ? "some.cpio+" : "", number);
	fprintf(f, " cmdline=\"seed=%llu writes=%u unique=%u zero=%u id=%llu "
		"hold=1\"\n", (unsigned long long)p->workload.seed,
		p->workload.write_percent, p->workload.unique_percent,
		p->workload.zero_pages, number);
	free(group);
}

static void write_domains(const struct plan *p, const struct options *o)
{
	char *path = xasprintf("%s/domains.cfg", p->dir);
	FILE *f = fopen(path, "w");

	if (!f)
		die("cannot write %s: %s", path, strerror(errno));
	fprintf(f, "# Written by the harness.\n");
	if (o->command == COMMAND_MANY)
		fprintf(f, "domain name=%s kernel=%s memory=%lluM count=%llu "
			"group=t1 cmdline=\"hold=1 shared=%llu own=%llu\"\n",
			o->guests == 1 ? "g1" : "g", p->kernel,
			(unsigned long long)o->guest_mib, (unsigned long long)o->guests,
			(unsigned long long)o->shared_kib, (unsigned long long)o->own_kib);
	else
		for (uint64_t g = 0; g < o->guests; g++)
			write_domain(f, p, o, g);
	if (fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
	free(path);
}

const char *plan_append(const struct options *o)
{
	return o->overcommit ?
	       "exit=qemu stats=500 console=all ctl=com2 overcommit=on" :
	       "exit=qemu stats=500 console=all ctl=com2";
}

/*
 * With overcommit, what is certain to do: what the guests have when all is
 * shared, the last of them before it shares, and each page that is written as a
 * copy of its own, all at once.
 */
static uint64_t overcommit_needs(const struct plan *p, const struct options *o)
{
	const struct expectation *e = &p->expect;
	uint64_t copies = e->pages * p->workload.write_percent / 100;
	uint64_t shared = o->guests * p->guest_mib -
			  e->optimum * PAGE_BYTES / MIB;

	return shared + p->guest_mib + copies * PAGE_BYTES / MIB +
	       KEPT_MIB + o->guests * GUEST_TABLES_KIB / 1024;
}

static void choose_overcommitted(struct plan *p, const struct options *o)
{
	uint64_t beside = p->module_bytes / MIB + HV_LEAST_MIB;
	uint64_t needs = beside + p->guest_mib;

	if (o->mem_mib && o->mem_mib < needs)
		die("MEM=%llu is too little: one guest of %llu MiB needs a "
		    "machine of %llu MiB",
		    (unsigned long long)o->mem_mib,
		    (unsigned long long)p->guest_mib,
		    (unsigned long long)needs);
	p->mem_mib = o->mem_mib ? o->mem_mib :
		     round_up(beside + overcommit_needs(p, o), 4);
}

static void choose_memory(struct plan *p, const struct options *o)
{
	uint64_t guests = o->guests * p->guest_mib;
	uint64_t needs = guests + p->module_bytes / MIB + HV_SPARE_MIB;

	/* Room for every content to be a frame of its own beside its pages. */
	p->enough_mib = round_up(needs + p->expect.pages * PAGE_BYTES / MIB, 256);
	if (o->mem_mib && o->mem_mib < needs)
		die("MEM=%llu is too little: %llu guests of %llu MiB need a "
		    "machine of %llu MiB; give MEM=%llu or fewer GUESTS",
		    (unsigned long long)o->mem_mib,
		    (unsigned long long)o->guests,
		    (unsigned long long)p->guest_mib,
		    (unsigned long long)needs,
		    (unsigned long long)p->enough_mib);
	p->mem_mib = o->mem_mib;
	if (!p->mem_mib)
		p->mem_mib = o->command == COMMAND_MANY && needs < MANY_MEM_MIB ?
			MANY_MEM_MIB : p->enough_mib;
}

void plan_prepare(struct plan *p, const struct options *o, const char *dir)
{
	const char *kernel = o->command != COMMAND_MANY ? WORKLOAD_KERNEL :
			     o->shared_kib || o->own_kib ? DENSE_KERNEL : MINIMAL_KERNEL;

	*p = (struct plan){ .dir = dir, .kernel = base_name(kernel),
			    .pasture = o->pasture ? o->pasture : PASTURE,
			    .workload = standard_workload };
	make_dirs(dir);
	link_into(dir, p->pasture, "pasture");
	link_into(dir, kernel, p->kernel);
	add_module(p, "domains.cfg", 0);
	add_module(p, p->kernel, file_bytes(kernel));
	if (o->command == COMMAND_MANY) {
		p->guest_mib = o->guest_mib;
	} else {
		files_collect(&p->files, o);
		expect_count(&p->expect, &p->files, &p->workload, o->guests);
		write_archives(p, o);
	}
	write_domains(p, o);
	if (o->overcommit)
		choose_overcommitted(p, o);
	else
		choose_memory(p, o);
}

/* The CD's root is p->dir; links are followed when the image is made. */
void plan_write_grub(const struct plan *p, const struct options *o)
{
	char *path = xasprintf("%s/boot/grub", p->dir);
	FILE *f;

	make_dirs(path);
	free(path);
	path = xasprintf("%s/boot/grub/grub.cfg", p->dir);
	f = fopen(path, "w");
	if (!f)
		die("cannot write %s: %s", path, strerror(errno));
	fprintf(f, "set timeout=0\nmenuentry \"Pasture\" {\n"
		"\tmultiboot2 /pasture %s\n", plan_append(o));
	for (size_t i = 0; i < p->modules.count; i++)
		fprintf(f, "\tmodule2 /%s %s\n", p->modules.v[i],
			p->modules.v[i]);
	fprintf(f, "\tboot\n}\n");
	if (fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
	free(path);
}

/* Where UEFI finds nothing to boot it waits for somebody to type. */
static const char *uefi_words(const char *iso)
{
	if (access(UEFI_FIRMWARE, R_OK))
		die("UEFI=1: no %s; run 'make deps', or install the package ovmf",
		    UEFI_FIRMWARE);
	if (!archive_has(iso, UEFI_LOADER))
		die("UEFI=1: %s is an image for BIOS only, without %s; 'make iso' makes one for both",
		    iso, UEFI_LOADER);
	return "-bios " UEFI_FIRMWARE;
}

void plan_machine(const struct plan *p, const struct options *o,
		  struct machine_config *c)
{
	*c = (struct machine_config){
		.qemu = o->qemu, .accel = o->accel, .cpu_model = o->cpu_model,
		.cpus = o->cpus, .mem_mib = p->mem_mib, .dir = p->dir,
		.append = plan_append(o), .kernel = o->iso ? NULL : "pasture",
		.iso = o->iso, .modules = p->modules, .memory_file = true,
		.control = CONTROL_SOCKET,
	};
	if (o->uefi)
		c->extra = uefi_words(o->iso);
	if (o->gdb)
		c->gdb_port = 26000 + getuid() % 5000;
}

void plan_free(struct plan *p)
{
	files_free(&p->files);
	strings_free(&p->modules);
}
