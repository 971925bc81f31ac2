/* SPDX-License-Identifier: MIT */
/*
 * tests/boot/NAME/test.cfg: lines KEY=VALUE, # comments; the keys are described
 * in tests/README.md.  Each variant of a test is a test of its own.
 */
#ifndef HARNESS_TESTCFG_H
#define HARNESS_TESTCFG_H

#include "harness/util.h"

struct boot_test {
	char *name;		/* "canary" or "canary:cpus=2" */
	char *folder;		/* tests/boot/canary */
	struct strings guests;	/* lines of the domain list */
	struct strings modules;
	struct strings expect_lines, forbid_lines; /* regular expressions */
	uint64_t mem, cpus, timeout, exit;
	uint64_t icount;	/* 1: the machine's time is its instructions' */
	bool has_exit;
	char *cpu_model, *append, *expect;
	char *qemu;		/* further words for QEMU: devices */
};

struct boot_tests {
	struct boot_test *v;
	size_t count;
};

/*
 * All tests and their variants, by name, `canary` first; dies with one line
 * that names file and line at a mistake.
 */
void boot_tests_load(struct boot_tests *tests, const char *root);
void boot_tests_free(struct boot_tests *tests);

#endif
