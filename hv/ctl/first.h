/* SPDX-License-Identifier: MIT */
/*
 * The first domain: what the operator says of it on the command line, in Xen's
 * words where they mean the same, and the configuration that comes of it.
 *
 *   dom0_mem=SIZE[,min:SIZE][,max:SIZE]
 *                     its memory; a number without a suffix is KiB.  min: makes
 *                     SIZE larger; max: must not be above it, since nothing can
 *                     be given later.  Without this word: what the machine has,
 *                     less a 16th, at most 128 MiB
 *   dom0_max_vcpus=N|MIN-MAX
 *                     as many as the machine has processors, in these bounds;
 *                     without it: as many
 *   dom0=pv           nothing but that there is a first domain; each of the
 *                     other two says so, too
 *   com1=115200[,8n1] what the serial line is set to in any case
 *   console=com1[,vga]                    what is typed is the first domain's
 *
 * Its kernel and its initial RAM disk are the first modules that are not the
 * domain list.  The kernel's command line is what follows the first word of
 * that module's; a loader may leave that word out of the other's.
 *
 * The kernel is an ELF file, or a bzImage as distributions ship it (unpack.h).
 */
#ifndef HV_CTL_FIRST_H
#define HV_CTL_FIRST_H

#include "ctl/config.h"

/* Take a value of the command line: NULL, or what it should have been. */
const char *first_take_mode(const char *v, struct first_options *out);
const char *first_take_mem(const char *v, struct first_options *out);
const char *first_take_vcpus(const char *v, struct first_options *out);
const char *first_take_com1(const char *v);

/* console= names devices of Xen's, and no domain */
bool first_owns_console(const char *console);

/*
 * A module of the loader's, each in turn: what may be the kernel's command line
 * is kept.
 */
void first_note_module(const char *name, const char *cmdline);

/*
 * Its configuration; `cpus` the machine has, and so much memory it may have at
 * most.  False, and one sentence in err.
 */
bool first_configure(const struct first_options *options, uint32_t cpus,
		     uint64_t most_bytes, struct domain_config *out, char *err,
		     size_t err_bytes);

#endif
