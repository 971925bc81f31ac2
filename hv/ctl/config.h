/* SPDX-License-Identifier: MIT */
/*
 * What the operator asked for: the hypervisor's command line, and the domain
 * list (a text module).
 *
 * Command line, words NAME=VALUE (an unknown one stops the boot with a line
 * that names it):
 *   config=MODULE     the module that holds the domain list ("domains.cfg")
 *   loglevel=0..3
 *   stats=MS          machine lines "@stat" that often; 0 none
 *   exit=qemu|halt|reboot        what to do at the end
 *   console=all|none|NAME        who gets serial input; a NAME that the domain
 *                     list does not have stops the boot
 *   console-rate=N    bytes a second that each guest may print, 0 any number
 *                     (default 65536)
 *   overcommit=on|off            on: more guests than fit; a guest that does
 *                     not fit yet waits (ctl/waiting.h)
 *   selftest=panic|fault|order   (test build) make that mistake of our own
 *   cpus=N            use at most N processors
 *   ctl=com2|none     the operator's control channel (ctl/control.h): the
 *                     second serial port, or (default) none
 *   pages=auto|scalar|sse2|avx2|avx512   registers for hashing, comparing and
 *                     copying pages; auto: measured
 *   dom0=, dom0_mem=, dom0_max_vcpus=, com1=   a first domain (ctl/first.h);
 *                     then there need be no domain list
 *
 * Domain list, one domain a line, # comments, words NAME=VALUE, values may be
 * in ""; it may begin with the mark of UTF-8, and its lines may end in CR LF:
 *   domain name=web kernel=MODULE memory=32M [count=4] [group=G]
 *          [modules=M1+M2+...] [cmdline="..."] [share=PAGES] [repeat=N]
 *          [breaks=guest|first] [input=lines|keys] [vcpus=N] [weight=N]
 *          [cap=PERCENT]
 *   count    above 1 makes web1 .. webN; no two domains may have one name
 *   group    who shares with whom; none: alone
 *   modules  handed to the guest as one initial RAM disk, concatenated (cpio
 *            archives concatenate)
 *   share    budget of distinct shared frames, default the domain's pages
 *   repeat   create it again N times after it has gone
 *   breaks   guest (default): the guest breaks its shares itself; first: the
 *            hypervisor breaks them, once the guest has told where its list of
 *            frames is (abi/share.h, SHAREOP_mode)
 *   input    whether the guest gets what is typed in lines (default) or key by
 *            key (dom/console.h)
 *   vcpus    virtual CPUs, 1 (default) to 32; the guest starts those after the
 *            first
 *   weight   its part of the CPUs' time when others want it, too: in
 *            proportion, for all its vCPUs together, 1 to 65535, default 256,
 *            as Xen's
 *   cap      the most that it gets, even when nobody else wants the CPUs, in
 *            percent of one CPU: 150 is one and a half.  At most 100 for each
 *            of its vCPUs; 0 (default): no limit
 *
 * Modules are known by the base name of the first word of their command line.
 */
#ifndef HV_CTL_CONFIG_H
#define HV_CTL_CONFIG_H

#include "dom/sched_account.h"
#include "lib/types.h"
#include "x86/exit.h"

#define CONFIG_MODULES_MAX	64	/* per domain */
#define BOOT_MODULES_MAX	256
#define CONFIG_VCPUS_MAX	32	/* per domain */
#define CONFIG_WEIGHT_MAX	65535
#define CONFIG_CAP_EACH		100	/* for each vCPU */
/*
 * Pages that an address of 52 bits has room for: with a domain's own, and what
 * these cost, they come to no sum that does not fit.
 */
#define CONFIG_SHARE_MAX	(1UL << 40)

struct boot_module {
	char name[64];
	maddr_t start;
	uint64_t bytes;
};

struct domain_config {
	char name[32], group[32];	/* group "" = alone */
	char cmdline[1024];
	uint64_t memory_bytes;
	uint32_t count, repeat, vcpus, weight, cap;
	uint64_t share_budget;		/* pages; ~0 = default */
	const struct boot_module *kernel;
	const struct boot_module *modules[CONFIG_MODULES_MAX];
	uint32_t module_count;
	bool break_first, raw_input;
	bool first;			/* the first domain */
	const char *part;		/* of the hypervisor; NULL: a guest */
	/* its copy of ACPI's root; or NULL, 0 */
	const void *acpi_root;
	uint32_t acpi_root_bytes;
};

/* ctl/first.h */
struct first_options {
	bool wanted;
	uint64_t bytes;			/* 0: what the machine has */
	uint32_t vcpus_min, vcpus_max;	/* 0: no bound */
};

struct boot_options {
	struct first_options first;
	char config_module[64];
	char console[32];
	uint64_t stats_ms;
	uint32_t console_rate;
	enum exit_mode exit_mode;
	bool overcommit;
	bool control;			/* there is a control channel */
	char selftest[16];
	uint32_t max_cpus;		/* 0 = all */
	uint32_t log_level;
	char pages[8];
};
extern struct boot_options boot_options;	/* constant after boot */

extern struct boot_module boot_modules[BOOT_MODULES_MAX];
extern uint32_t boot_module_count;
const struct boot_module *boot_module_find(const char *name);

/*
 * The base name of the first word of a module's command line; false: none, or
 * too long.
 */
bool config_module_name(const char *cmdline, char *name, size_t size);
/* Where the words start: some loaders put the image's own path before them. */
const char *config_skip_image_name(const char *cmdline);
/* Where the second word starts. */
const char *config_skip_word(const char *cmdline);

/*
 * Parse; on a mistake false, and one sentence that names the word and the line
 * in err.  Pure functions of their input (unit-tested on the host).
 */
bool config_parse_cmdline(const char *line, struct boot_options *out,
			  char *err, size_t err_bytes);
/*
 * Next domain line from *text (bounded by end): 1 = *out filled, 0 = no more,
 * -1 = mistake in err.
 */
int config_next_domain(const char **text, const char *end, uint32_t *line_nr,
		       struct domain_config *out, char *err, size_t err_bytes);

/*
 * Does this line create a domain of that name?  (web with count=4: web1 to
 * web4)
 */
bool config_names(const struct domain_config *d, const char *name);
/* Do two lines create domains of one name? */
bool config_names_clash(const struct domain_config *a,
			const struct domain_config *b);

#endif
