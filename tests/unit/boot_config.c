/* links: hv/ctl/config.c hv/ctl/first.c hv/lib/fmt.c hv/lib/str.c */
/* SPDX-License-Identifier: MIT */
/*
 * The command line and the domain list: what is taken, and each sentence for
 * what is not.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/config.h"
#include "unit/suite.h"

static struct boot_options opt;
static struct domain_config dom;
static char err[200];

static void load_modules(void)
{
	static const char *const names[] = { "k", "m1", "m2", "vmlinuz-6" };
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(names); i++)
		strcpy(boot_modules[i].name, names[i]);
	boot_module_count = ARRAY_COUNT(names);
}

/* An exact-size copy, so that ASan sees a read beyond the end. */
static int first_domain(const char *text)
{
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	const char *at = copy;
	uint32_t line = 0;
	int got;

	memcpy(copy, text, n);
	got = config_next_domain(&at, copy + n, &line, &dom, err, sizeof(err));
	free(copy);
	return got;
}

/* Lines that name one domain twice, and such as only look so. */
START_TEST(names)
{
	static const struct { const char *a; uint32_t a_count; const char *b;
			      uint32_t b_count; bool clash; } t[] = {
		{ "web", 1, "web", 1, true }, { "web", 1, "wec", 1, false },
		{ "web", 4, "web4", 1, true }, { "web", 4, "web5", 1, false },
		{ "web", 4, "web", 1, false }, { "web", 4, "web04", 1, false },
		{ "web", 4, "web1K", 1, false }, { "web", 4, "web0x1", 1, false },
		{ "g", 20, "g1", 5, true }, { "g", 10, "g1", 5, false },
		{ "g", 10, "g1", 1, true }, { "g", 9, "g1", 9, false },
		{ "web", 4, "web+1", 1, false }, { "web", 2, "web0", 1, false },
	};

	for (unsigned int i = 0; i < ARRAY_COUNT(t); i++) {
		struct domain_config a = { .count = t[i].a_count };
		struct domain_config b = { .count = t[i].b_count };

		strcpy(a.name, t[i].a);
		strcpy(b.name, t[i].b);
		ck_assert_int_eq(config_names_clash(&a, &b), t[i].clash);
		ck_assert_int_eq(config_names_clash(&b, &a), t[i].clash);
	}
	load_modules();
	ck_assert_int_eq(first_domain("domain kernel=k memory=8M count=10 "
			 "name=abcdefghijklmnopqrstuvwxyz1234"), -1);
	ck_assert_str_eq(err, "domain list line 1: name=abcdefghijklmnopqrstuvwxyz1234 "
			 "is too long for the number behind it");
	ck_assert_int_eq(first_domain("domain kernel=k memory=8M count=9 "
			 "name=abcdefghijklmnopqrstuvwxyz1234"), 1);
}
END_TEST

START_TEST(options_default)
{
	ck_assert(config_parse_cmdline("", &opt, err, sizeof(err)));
	ck_assert_str_eq(opt.config_module, "domains.cfg");
	ck_assert_str_eq(opt.console, "all");
	ck_assert_uint_eq(opt.log_level, 2);
	ck_assert_int_eq(opt.exit_mode, EXITMODE_HALT);
	ck_assert(!opt.overcommit && !opt.selftest[0]);
	ck_assert_uint_eq(opt.console_rate, 65536);
	ck_assert_uint_eq(opt.max_cpus, 0);
	ck_assert_str_eq(opt.pages, "auto");
}
END_TEST

START_TEST(options_all)
{
	ck_assert(config_parse_cmdline(
		" config=a.cfg  loglevel=3\tstats=500 exit=qemu console=web "
		"overcommit=on selftest=panic cpus=2 pages=avx512 "
		"console-rate=100 ctl=com2", &opt, err,
		sizeof(err)));
	ck_assert_str_eq(opt.config_module, "a.cfg");
	ck_assert_str_eq(opt.console, "web");
	ck_assert_uint_eq(opt.log_level, 3);
	ck_assert_uint_eq(opt.stats_ms, 500);
	ck_assert_int_eq(opt.exit_mode, EXITMODE_QEMU);
	ck_assert(opt.overcommit && !strcmp(opt.selftest, "panic"));
	ck_assert_uint_eq(opt.console_rate, 100);
	ck_assert(opt.control);
	ck_assert_uint_eq(opt.max_cpus, 2);
	ck_assert_str_eq(opt.pages, "avx512");
}
END_TEST

static const struct {
	const char *line, *sentence;
} bad_options[] = {
	{ "exit=qemu overcomit=on",
	  "command line: overcomit=on is not known" },
	{ "verbose", "command line: verbose is not known" },
	{ "exit", "command line: exit needs a value" },
	{ "exit=now", "command line: exit=now must be qemu, halt or reboot" },
	{ "loglevel=4", "command line: loglevel=4 is out of range" },
	{ "stats=abc", "command line: stats=abc is not a number" },
	{ "cpus=0", "command line: cpus=0 is out of range" },
	{ "console-rate=2000000000", "command line: console-rate=2000000000 is out of range" },
	{ "overcommit=yes", "command line: overcommit=yes must be on or off" },
	{ "pages=mmx",
	  "command line: pages=mmx must be auto, scalar, sse2, avx2 or avx512" },
	{ "ctl=com1", "command line: ctl=com1 must be com2 or none" },
	{ "cpus=1 cpus=2", "command line: cpus=2 is given twice" },
	{ "config=", "command line: config= must not be empty" },
	{ "console=\"a",
	  "command line: a quote does not end, a word is too long, or there is a NUL" },
};

START_TEST(options_bad)
{
	ck_assert(!config_parse_cmdline(bad_options[_i].line, &opt, err,
					sizeof(err)));
	ck_assert_str_eq(err, bad_options[_i].sentence);
}
END_TEST

/* The exit mode before the mistake is known: the mistake leaves by it. */
START_TEST(options_keep_exit)
{
	ck_assert(!config_parse_cmdline("exit=qemu what", &opt, err,
					sizeof(err)));
	ck_assert_int_eq(opt.exit_mode, EXITMODE_QEMU);
}
END_TEST

START_TEST(image_name)
{
	ck_assert_str_eq(config_skip_image_name("build/pasture exit=qemu"),
			 " exit=qemu");
	ck_assert_str_eq(config_skip_image_name("exit=qemu a"), "exit=qemu a");
	ck_assert_str_eq(config_skip_image_name("/a=b/pasture x=1"), " x=1");
	ck_assert_str_eq(config_skip_image_name("config=/x"), "config=/x");
	ck_assert_str_eq(config_skip_image_name("pasture"), "");
	ck_assert_str_eq(config_skip_image_name("  "), "");
}
END_TEST

START_TEST(module_name)
{
	char name[8];

	ck_assert(config_module_name("/boot/x/k args", name, sizeof(name)));
	ck_assert_str_eq(name, "k");
	ck_assert(config_module_name("/toolongdirectory/k", name,
				     sizeof(name)) == false);
	ck_assert(config_module_name(" abcdefg", name, sizeof(name)));
	ck_assert(!config_module_name("abcdefgh", name, sizeof(name)));
	ck_assert(!config_module_name("", name, sizeof(name)));
	ck_assert(!config_module_name("dir/ x", name, sizeof(name)));
}
END_TEST

START_TEST(domain_full)
{
	ck_assert_int_eq(first_domain(
		"# list\n\n  # more\n"
		"domain name=web kernel=k memory=32M count=4 group=g1 "
		"modules=m1+m2 cmdline=\"a=1 b # c\" share=100 repeat=3 breaks=first input=keys vcpus=32 weight=65535 "
		"cap=3200 # x\n"),
		1);
	ck_assert_str_eq(dom.name, "web");
	ck_assert_str_eq(dom.group, "g1");
	ck_assert_str_eq(dom.cmdline, "a=1 b # c");
	ck_assert_uint_eq(dom.memory_bytes, 32 << 20);
	ck_assert_uint_eq(dom.count, 4);
	ck_assert_uint_eq(dom.repeat, 3);
	ck_assert_uint_eq(dom.share_budget, 100);
	ck_assert(dom.break_first);
	ck_assert(dom.raw_input);
	ck_assert_uint_eq(dom.vcpus, 32);
	ck_assert_uint_eq(dom.weight, 65535);
	ck_assert_uint_eq(dom.cap, 3200);
	ck_assert_ptr_eq(dom.kernel, &boot_modules[0]);
	ck_assert_uint_eq(dom.module_count, 2);
	ck_assert_ptr_eq(dom.modules[1], &boot_modules[2]);
}
END_TEST

START_TEST(domain_defaults)
{
	ck_assert_int_eq(first_domain("domain name=a kernel=vmlinuz-6 memory=8M"),
			 1);
	ck_assert_uint_eq(dom.count, 1);
	ck_assert_uint_eq(dom.vcpus, 1);
	ck_assert_uint_eq(dom.weight, 256);
	ck_assert_uint_eq(dom.cap, 0);
	ck_assert_uint_eq(dom.repeat, 0);
	ck_assert_uint_eq(dom.share_budget, UINT64_MAX);
	ck_assert(!dom.break_first);
	ck_assert_str_eq(dom.group, "");
	ck_assert_str_eq(dom.cmdline, "");
	ck_assert_uint_eq(dom.module_count, 0);
}
END_TEST

/* As many pages as an address has room for are a number; they may not fit. */
START_TEST(domain_share_most)
{
	ck_assert_int_eq(first_domain("domain name=a kernel=k memory=1M share=1099511627776"), 1);
	ck_assert_uint_eq(dom.share_budget, 1UL << 40);
}
END_TEST

START_TEST(domain_several)
{
	const char *text = "\xef\xbb\xbf" "domain name=a kernel=k memory=1M\r\n#\n"
			   "domain name=b kernel=k memory=2M\n"
			   "domain name=c kernel=k memory=3M oops=1\n";
	const char *at = text, *end = text + strlen(text);
	uint32_t line = 0;

	ck_assert_int_eq(config_next_domain(&at, end, &line, &dom, err,
					    sizeof(err)), 1);
	ck_assert_str_eq(dom.name, "a");
	ck_assert_int_eq(config_next_domain(&at, end, &line, &dom, err,
					    sizeof(err)), 1);
	ck_assert_str_eq(dom.name, "b");
	ck_assert_int_eq(config_next_domain(&at, end, &line, &dom, err,
					    sizeof(err)), -1);
	ck_assert_str_eq(err, "domain list line 4: oops=1 is not known");
	ck_assert_int_eq(config_next_domain(&at, end, &line, &dom, err,
					    sizeof(err)), 0);
}
END_TEST

static const struct {
	const char *text, *sentence;
} bad_domains[] = {
	{ "domain kernel=k memory=1M", "domain list line 1: name= is missing" },
	{ "\ndomain name=a memory=1M", "domain list line 2: kernel= is missing" },
	{ "domain name=a kernel=k", "domain list line 1: memory= is missing" },
	{ "domain name=a kernel=zzz memory=1M",
	  "domain list line 1: kernel=zzz names no module that was loaded" },
	{ "domain name=a kernel=k memory=1M modules=m1+nope",
	  "domain list line 1: modules=m1+nope names a module that was not loaded" },
	{ "domain name=a kernel=k memory=1M modules=m1+",
	  "domain list line 1: modules=m1+ names a module that was not loaded" },
	{ "domain name=a kernel=k memory=32Q",
	  "domain list line 1: memory=32Q is not a size" },
	{ "domain name=a kernel=k memory=0",
	  "domain list line 1: memory=0 is too small" },
	{ "domain name=a kernel=k memory=1M vcpus=0",
	  "domain list line 1: vcpus=0 is out of range" },
	{ "domain name=a kernel=k memory=1M vcpus=33",
	  "domain list line 1: vcpus=33 is out of range" },
	{ "domain name=a kernel=k memory=1M weight=0",
	  "domain list line 1: weight=0 is out of range" },
	{ "domain name=a kernel=k memory=1M weight=65536",
	  "domain list line 1: weight=65536 is out of range" },
	{ "domain name=a kernel=k memory=1M weight=half",
	  "domain list line 1: weight=half is not a number" },
	{ "domain name=a kernel=k memory=1M cap=101",
	  "domain list line 1: cap=101 is out of range: 100 for each vCPU is all that it can use" },
	{ "domain name=a kernel=k memory=1M cap=301 vcpus=3",
	  "domain list line 1: cap=301 is out of range: 100 for each vCPU is all that it can use" },
	{ "domain name=a kernel=k memory=1M vcpus=32 cap=3201",
	  "domain list line 1: cap=3201 is out of range" },
	{ "domain name=a kernel=k memory=1M cap=-1",
	  "domain list line 1: cap=-1 is not a number" },
	{ "domain name=a kernel=k memory=1M count=0",
	  "domain list line 1: count=0 is out of range" },
	{ "domain name=a kernel=k memory=1M count=x",
	  "domain list line 1: count=x is not a number" },
	{ "domain name=a kernel=k memory=1M share=some",
	  "domain list line 1: share=some is not a number" },
	{ "domain name=a kernel=k memory=1M share=1099511627777",
	  "domain list line 1: share=1099511627777 is more pages than any machine has" },
	{ "domain name=a kernel=k memory=1M share=18446744073709551360",
	  "domain list line 1: share=18446744073709551360 is more pages than any machine has" },
	{ "domain name=a kernel=k memory=1M share=18446744073709551615",
	  "domain list line 1: share=18446744073709551615 is more pages than any machine has" },
	{ "domain name=a kernel=k memory=1M breaks=last",
	  "domain list line 1: breaks=last is neither guest nor first" },
	{ "domain name=abcdefghijklmnopqrstuvwxyz1234567 kernel=k memory=1M",
	  "domain list line 1: name=abcdefghijklmnopqrstuvwxyz1234567 is too long" },
	{ "domain name=\"a b\" kernel=k memory=1M",
	  "domain list line 1: name=a b has a character that names cannot have" },
	{ "domain name=a name=b kernel=k memory=1M",
	  "domain list line 1: name=b is given twice" },
	{ "domain name kernel=k memory=1M",
	  "domain list line 1: name needs a value" },
	{ "domain name=a kernel=k memory=1M cmdline=\"x",
	  "domain list line 1: a quote does not end, a word is too long, or there is a NUL" },
	{ "host name=a", "domain list line 1: host is not a \"domain\" line" },
	{ "domain=a", "domain list line 1: domain=a is not a \"domain\" line" },
};

START_TEST(domain_bad)
{
	ck_assert_int_eq(first_domain(bad_domains[_i].text), -1);
	ck_assert_str_eq(err, bad_domains[_i].sentence);
}
END_TEST

START_TEST(domain_too_many_modules)
{
	char text[1000] = "domain name=a kernel=k memory=1M modules=m1";
	int i;

	for (i = 1; i < CONFIG_MODULES_MAX; i++)
		strcat(text, "+m1");
	ck_assert_int_eq(first_domain(text), 1);
	strcat(text, "+m2");
	ck_assert_int_eq(first_domain(text), -1);
	ck_assert_ptr_nonnull(strstr(err, "names too many modules"));
}
END_TEST

START_TEST(domain_long_cmdline)
{
	static char text[3000];
	size_t n;

	strcpy(text, "domain name=a kernel=k memory=1M cmdline=");
	n = strlen(text);
	memset(text + n, 'x', 1023);
	ck_assert_int_eq(first_domain(text), 1);
	memset(text + n, 'x', 1024);
	ck_assert_int_eq(first_domain(text), -1);
	ck_assert_ptr_nonnull(strstr(err, "is too long"));
	memset(text + n, 'x', 2500);
	ck_assert_int_eq(first_domain(text), -1);
}
END_TEST

/* Any bytes: no crash, and the end is reached. */
START_TEST(domain_noise)
{
	char text[64];
	const char *at;
	uint32_t line;
	unsigned int round, i;

	srand(2);
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < sizeof(text); i++)
			text[i] = "domain name=k\"#+\n\t \0\xff"[rand() % 21];
		memcpy(text, "domain ", 7);
		at = text;
		line = 0;
		while (config_next_domain(&at, text + sizeof(text), &line, &dom,
					  err, sizeof(err)))
			ck_assert_uint_le(line, sizeof(text));
		ck_assert_ptr_eq(at, text + sizeof(text));
	}
}
END_TEST

static void add_options(void)
{
	TCase *t = suite_case("options");

	tcase_add_test(t, names);
	tcase_add_test(t, options_default);
	tcase_add_test(t, options_all);
	tcase_add_loop_test(t, options_bad, 0, (int)ARRAY_COUNT(bad_options));
	tcase_add_test(t, options_keep_exit);
	tcase_add_test(t, image_name);
	tcase_add_test(t, module_name);
}

static void add_domains(void)
{
	TCase *t = suite_case("domains");

	tcase_add_checked_fixture(t, load_modules, NULL);
	tcase_add_test(t, domain_full);
	tcase_add_test(t, domain_defaults);
	tcase_add_test(t, domain_share_most);
	tcase_add_test(t, domain_several);
	tcase_add_loop_test(t, domain_bad, 0, (int)ARRAY_COUNT(bad_domains));
	tcase_add_test(t, domain_too_many_modules);
	tcase_add_test(t, domain_long_cmdline);
	tcase_add_test(t, domain_noise);
}

int main(void)
{
	add_options();
	add_domains();
	return suite_run();
}
