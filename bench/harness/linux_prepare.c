/* SPDX-License-Identifier: MIT */
/* The run folder of Linux guests: kernel.elf, initrd.gz, domains.cfg. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bzimage.h"
#include "harness/kernel_file.h"
#include "harness/linux.h"
#include "harness/prepare.h"

#define PASTURE		"build/pasture"
#define XEN		"build/linux/xen.elf"
#define HV_SPARE_MIB	96

/* initrd.gz: the parts one after the other, as Linux allows. */
static uint64_t join_initrds(const struct linux_run *r)
{
	char *path = xasprintf("%s/initrd.gz", r->dir);
	struct strings parts = { 0 };
	FILE *out = fopen(path, "w");

	if (!out)
		die("cannot write %s: %s", path, strerror(errno));
	strings_split_escaped(&parts, r->options->initrd);
	for (size_t i = 0; i < parts.count; i++) {
		size_t bytes;
		uint8_t *data = file_read(parts.v[i], &bytes);

		if (fwrite(data, 1, bytes, out) != bytes)
			die("cannot write %s: %s", path, strerror(errno));
		free(data);
	}
	if (fclose(out))
		die("cannot write %s: %s", path, strerror(errno));
	strings_free(&parts);
	parts.count = file_bytes(path);
	free(path);
	return parts.count;
}

static char *kernel_words(const struct linux_run *r)
{
	const struct options *o = r->options;

	return xasprintf("console=%s%s job=%s minutes=%llu%s%s%s%s",
			 r->via == VIA_PLAIN ? "ttyS0" : "hvc0",
			 o->verbose || o->interactive ? "" : " quiet",
			 o->job, (unsigned long long)o->minutes,
			 strcmp(o->job, "full") ? "" : " hold=1",
			 o->sharing ? "" : " pasture=off",
			 o->words[0] ? " " : "", o->words);
}

static void write_domains(const struct linux_run *r, const char *words)
{
	char *path = xasprintf("%s/domains.cfg", r->dir);
	FILE *f = fopen(path, "w");

	if (!f)
		die("cannot write %s: %s", path, strerror(errno));
	fprintf(f, "# Written by the harness.\n");
	for (uint64_t i = 0; i < r->count; i++)
		fprintf(f, "domain name=%s%s kernel=kernel.elf memory=%lluM "
			"vcpus=%llu modules=initrd.gz cmdline=\"%s guest=%s\"\n",
			r->guests[i].name, r->options->sharing ? " group=linux" : "",
			(unsigned long long)r->options->guest_mib,
			(unsigned long long)r->options->vcpus, words, r->guests[i].name);
	if (fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
	free(path);
}

/* The kernel's ELF file into the folder; how many MiB of modules there are. */
static uint64_t put_kernel(const struct linux_run *r, uint64_t initrd_bytes)
{
	char *path = xasprintf("%s/kernel.elf", r->dir), err[300];
	struct kernel_image k;

	kernel_file_unpack(&k, r->options->kernel);
	if (!kernel_elf_fits(&k.info, r->options->guest_mib, initrd_bytes, err,
			     sizeof(err)))
		die("%s", err);
	file_write(path, k.elf, k.bytes);
	initrd_bytes += k.bytes;
	kernel_image_free(&k);
	free(path);
	return initrd_bytes / MIB + 1;
}

static void prepare_pasture(struct linux_run *r, struct machine_config *c,
			    const char *words)
{
	const struct options *o = r->options;

	link_into(r->dir, o->pasture ? o->pasture : PASTURE, "pasture");
	write_domains(r, words);
	c->kernel = "pasture";
	c->append = xasprintf("exit=qemu console=all%s%s", o->interactive ? "" : " stats=500",
			      o->overcommit ? " overcommit=on" : "");
	strings_add(&c->modules, "domains.cfg");
	strings_add(&c->modules, "kernel.elf");
	strings_add(&c->modules, "initrd.gz");
}

static void prepare_xen(struct linux_run *r, struct machine_config *c,
			const char *words)
{
	char *kernel = xasprintf("kernel.elf %s", words);

	link_into(r->dir, XEN, "xen");
	c->kernel = "xen";
	c->append = xasprintf("dom0_mem=%lluM,max:%lluM com1=115200,8n1 "
			      "console=com1 loglvl=error dom0_max_vcpus=%llu",
			      (unsigned long long)r->options->guest_mib,
			      (unsigned long long)r->options->guest_mib,
			      (unsigned long long)r->options->vcpus);
	strings_add(&c->modules, kernel);
	strings_add(&c->modules, "initrd.gz");
	free(kernel);
}

static void prepare_plain(struct linux_run *r, struct machine_config *c,
			  const char *words)
{
	link_into(r->dir, r->options->kernel, "vmlinuz");
	c->kernel = "vmlinuz";
	c->append = xstrdup(words);
	strings_add(&c->modules, "initrd.gz");
}

/*
 * What it needs, or what the user wants if that is enough.  With overcommit
 * guests wait for what others save: the user says of how much.
 */
static uint64_t machine_mib(const struct linux_run *r, uint64_t modules_mib)
{
	const struct options *o = r->options;
	uint64_t at_once = o->overcommit ? 1 : r->count;
	uint64_t needs = at_once * o->guest_mib + modules_mib + HV_SPARE_MIB;

	if (r->via == VIA_PLAIN)
		return o->guest_mib;
	if (o->overcommit && !o->mem_mib)
		die("OVERCOMMIT=1: say how much memory the machine has: MEM=MiB");
	if (o->mem_mib && o->mem_mib < needs)
		die("MEM=%llu is too little: %llu guests of %llu MiB need a "
		    "machine of %llu MiB; give MEM=%llu or fewer GUESTS",
		    (unsigned long long)o->mem_mib,
		    (unsigned long long)at_once,
		    (unsigned long long)o->guest_mib,
		    (unsigned long long)needs, (unsigned long long)needs);
	return o->mem_mib ? o->mem_mib : (needs + 255) / 256 * 256;
}

void linux_prepare(struct linux_run *r, struct machine_config *c)
{
	const struct options *o = r->options;
	char *words = kernel_words(r);

	if (!o->kernel || !o->initrd)
		die("name a kernel and an initial RAM disk: KERNEL=FILE "
		    "INITRD=FILE ('make run T=linux' has defaults)");
	make_dirs(r->dir);
	r->mem_mib = machine_mib(r, put_kernel(r, join_initrds(r)));
	*c = (struct machine_config){
		.qemu = o->qemu, .accel = o->accel, .cpu_model = o->cpu_model,
		.cpus = r->via == VIA_PASTURE ? o->cpus : 1,
		.mem_mib = r->mem_mib, .dir = r->dir,
		.monitor = o->interactive,
	};
	if (r->via == VIA_PASTURE)
		prepare_pasture(r, c, words);
	else if (r->via == VIA_XEN)
		prepare_xen(r, c, words);
	else
		prepare_plain(r, c, words);
	free(words);
}
