/* links: hv/ctl/first.c hv/ctl/config.c hv/lib/fmt.c hv/lib/str.c */
/* SPDX-License-Identifier: MIT */
/*
 * The first domain's words on the command line, what is wrong with others, and
 * the configuration that comes of them and of the modules.
 */
#include <check.h>
#include <string.h>

#include "ctl/config.h"
#include "ctl/first.h"
#include "unit/suite.h"

static struct boot_options opt;
static struct domain_config dom;
static char err[200];

static bool parse(const char *line)
{
	return config_parse_cmdline(line, &opt, err, sizeof(err));
}

START_TEST(not_wanted)
{
	ck_assert(parse("exit=qemu com1=115200,8n1 console=com1"));
	ck_assert(!opt.first.wanted);
}
END_TEST

static const struct {
	const char *line;
	uint64_t bytes;
	uint32_t min, max;
} good[] = {
	{ "dom0=pv", 0, 0, 0 },
	{ "dom0_mem=512M", 512UL << 20, 0, 0 },
	{ "dom0_mem=524288", 512UL << 20, 0, 0 },
	{ "dom0_mem=1G,max:1G", 1UL << 30, 0, 0 },
	{ "dom0_mem=max:256M", 256UL << 20, 0, 0 },
	{ "dom0_mem=64M,min:128M", 128UL << 20, 0, 0 },
	{ "dom0_mem=min:128M,64M,max:128M", 128UL << 20, 0, 0 },
	{ "dom0_max_vcpus=3", 0, 3, 3 },
	{ "dom0_max_vcpus=2-32", 0, 2, 32 },
};

START_TEST(words)
{
	ck_assert(parse(good[_i].line));
	ck_assert(opt.first.wanted);
	ck_assert_uint_eq(opt.first.bytes, good[_i].bytes);
	ck_assert_uint_eq(opt.first.vcpus_min, good[_i].min);
	ck_assert_uint_eq(opt.first.vcpus_max, good[_i].max);
}
END_TEST

static const char *const bad[] = {
	"dom0=pvh must be pv",
	"dom0_mem= must be sizes, as 512M or 512M,max:512M",
	"dom0_mem=512M, must be sizes, as 512M or 512M,max:512M",
	"dom0_mem=50% must be sizes, as 512M or 512M,max:512M",
	"dom0_mem=-1G must be sizes, as 512M or 512M,max:512M",
	"dom0_mem=11111111111111111111111111111M must be sizes, as 512M or 512M,max:512M",
	"dom0_mem=512M,max:1G has max: above the size, and memory cannot be added later",
	"dom0_mem=512M,max:256M has max: below the size",
	"dom0_mem=3 is too small",
	"dom0_max_vcpus=0 is out of range",
	"dom0_max_vcpus=33 is out of range",
	"dom0_max_vcpus=4-2 is out of range",
	"dom0_max_vcpus=2- must be a number, or two with - between",
	"dom0_max_vcpus=1111111111111111111111111111 is not a number",
	"com1=9600 must be 115200,8n1, which the serial line is set to",
};

/* The line is what stands before the first blank. */
START_TEST(mistakes)
{
	char line[100], sentence[200] = "command line: ";

	strcpy(line, bad[_i]);
	*strchr(line, ' ') = '\0';
	strcat(sentence, bad[_i]);
	ck_assert(!parse(line));
	ck_assert_str_eq(err, sentence);
}
END_TEST

START_TEST(consoles)
{
	ck_assert(first_owns_console("com1"));
	ck_assert(first_owns_console("com1,vga"));
	ck_assert(!first_owns_console("all"));
	ck_assert(!first_owns_console("com"));
}
END_TEST

static void module_load(const char *name, const char *cmdline)
{
	strcpy(boot_modules[boot_module_count++].name, name);
	first_note_module(name, cmdline);
}

/* As GRUB's script for Xen gives them; the domain list may come first. */
START_TEST(configured)
{
	ck_assert(parse("dom0_max_vcpus=2-4"));
	boot_options = opt;
	module_load("domains.cfg", "domains.cfg not words");
	module_load("placeholder", "  placeholder  root=/dev/xvda ro quiet");
	module_load("module-2", "");
	module_load("other", "other no words of its");
	ck_assert(first_configure(&opt.first, 8, 64UL << 20, &dom, err, sizeof(err)));
	ck_assert(dom.first);
	ck_assert_ptr_eq(dom.kernel, &boot_modules[1]);
	ck_assert_uint_eq(dom.module_count, 1);
	ck_assert_ptr_eq(dom.modules[0], &boot_modules[2]);
	ck_assert_str_eq(dom.cmdline, "root=/dev/xvda ro quiet");
	ck_assert_uint_eq(dom.memory_bytes, 64UL << 20);
	ck_assert_uint_eq(dom.vcpus, 4);
	ck_assert_uint_eq(dom.count, 1);
	ck_assert_uint_eq(dom.share_budget, 0);
	ck_assert(first_configure(&opt.first, 1, 0, &dom, err, sizeof(err)));
	ck_assert_uint_eq(dom.vcpus, 2);
	opt.first.bytes = 8UL << 20;
	opt.first.vcpus_min = opt.first.vcpus_max = 0;
	ck_assert(first_configure(&opt.first, 64, 64UL << 20, &dom, err, sizeof(err)));
	ck_assert_uint_eq(dom.memory_bytes, 8UL << 20);
	ck_assert_uint_eq(dom.vcpus, CONFIG_VCPUS_MAX);
}
END_TEST

START_TEST(no_kernel)
{
	ck_assert(parse("dom0=pv"));
	boot_options = opt;
	ck_assert(!first_configure(&opt.first, 1, 0, &dom, err, sizeof(err)));
	ck_assert_str_eq(err, "the first domain's kernel was not loaded: it is the first module, and its initial RAM disk the second");
	module_load("domains.cfg", "domains.cfg");
	ck_assert(!first_configure(&opt.first, 1, 0, &dom, err, sizeof(err)));
	module_load("k", "k");
	ck_assert(first_configure(&opt.first, 1, 0, &dom, err, sizeof(err)));
	ck_assert_str_eq(dom.cmdline, "");
	ck_assert_uint_eq(dom.module_count, 0);
}
END_TEST

START_TEST(words_too_long)
{
	char line[1100] = "k ";

	memset(line + 2, 'x', sizeof(line) - 3);
	ck_assert(parse("dom0=pv"));
	boot_options = opt;
	module_load("k", line);
	ck_assert(!first_configure(&opt.first, 1, 0, &dom, err, sizeof(err)));
	ck_assert_str_eq(err, "the first domain's kernel has a command line that is too long");
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("first");

	tcase_add_test(tc, not_wanted);
	tcase_add_loop_test(tc, words, 0, ARRAY_COUNT(good));
	tcase_add_loop_test(tc, mistakes, 0, ARRAY_COUNT(bad));
	tcase_add_test(tc, consoles);
	tcase_add_test(tc, configured);
	tcase_add_test(tc, no_kernel);
	tcase_add_test(tc, words_too_long);
	return suite_run();
}
