// SPDX-License-Identifier: MIT
// links: bench/harness/machine.c bench/harness/qemu_args.c bench/harness/util.c
/*
 * One QEMU, here a shell: what its exit status means, what is left of an
 * earlier run, and a KVM that opens and then does not run.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/harness/machine.h"
#include "unit/suite.h"

static char dir[] = "/tmp/pasture-machine-XXXXXX";
static struct machine m;

static void put(const char *name, const char *text, int mode)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	chmod(path, (mode_t)mode);
	free(path);
}

/* The machine is over, or it said nothing for too long. */
static void play(const char *script, const char *accel)
{
	char *qemu = xasprintf("%s/qemu", dir), *text;
	struct machine_config c = { .qemu = qemu, .accel = accel, .cpu_model = "x",
				    .cpus = 1, .mem_mib = 1, .kernel = "k",
				    .append = "", .dir = dir };
	struct machine *p = &m;

	text = xasprintf("#!/bin/sh\n%s\n", script);
	put("qemu", text, 0755);
	m = (struct machine){ .in = -1, .out = -1 };
	machine_start(&m, &c);
	while (m.end == MACHINE_RUNS)
		machines_pump(&p, 1, 50);
	free(text);
	free(qemu);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	m = (struct machine){ .in = -1, .out = -1 };
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	machine_fini(&m);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static const struct { const char *script; enum machine_end end; int code; } ends[] = {
	{ "exit 0", MACHINE_RESET, 0 }, { "exit 33", MACHINE_EXITED, 0 },
	{ "exit 35", MACHINE_EXITED, 1 }, { "exit 37", MACHINE_EXITED, 2 },
	{ "exit 39", MACHINE_EXITED, 3 }, { "exit 1", MACHINE_DIED, 1 },
	{ "echo @end; exit 1", MACHINE_DIED, 1 }, { "exit 34", MACHINE_DIED, 34 },
	{ "exit 3", MACHINE_DIED, 3 }, { "kill -9 $$", MACHINE_DIED, -1 },
};

/*
 * QEMU's own failures are never the hypervisor's word, whatever was printed
 * before.
 */
START_TEST(exit_status)
{
	play(ends[_i].script, "tcg");
	ck_assert_int_eq(m.end, ends[_i].end);
	ck_assert_int_eq(m.code, ends[_i].code);
}
END_TEST

START_TEST(earlier_logs)
{
	char *path = xasprintf("%s/console.log", dir), text[64] = "";
	FILE *f;

	put("console.log", "@end frames_lost=0\n", 0644);
	put("qemu.log", "an old complaint\n", 0644);
	play("exit 1", "tcg");
	f = fopen(path, "r");
	ck_assert_ptr_null(fgets(text, sizeof(text), f));
	fclose(f);
	free(path);
	path = machine_why(&m);
	ck_assert_str_eq(path, "QEMU died (it says nothing)");
	free(path);
}
END_TEST

/* Nobody is told by QEMU itself. */
START_TEST(killed)
{
	char *why;

	play("kill -BUS $$", "tcg");
	why = machine_why(&m);
	ck_assert_str_eq(why, "QEMU was killed by signal 7, Bus error (it says nothing)");
	free(why);
}
END_TEST

START_TEST(quiet_kvm)
{
	double began = now_seconds();
	char *why;

	play("exec sleep 100", "kvm");
	ck_assert(now_seconds() - began < 20);
	why = machine_why(&m);
	ck_assert_str_eq(why, "the machine said nothing for 10 s: KVM does not "
			 "run here; use ACCEL=tcg");
	free(why);
}
END_TEST

/* Who has spoken may take its time, and so may who is not KVM. */
START_TEST(slow)
{
	play(_i ? "sleep 11; exit 33" : "echo hello; sleep 11; exit 33",
	     _i ? "tcg" : "kvm");
	ck_assert_int_eq(m.end, MACHINE_EXITED);
}
END_TEST

/* A blank, a comma and a backslash as part of a word. */
START_TEST(escaped)
{
	struct strings l = { 0 };

	strings_split_escaped(&l, " a,b\\ c ,, d\\,e\\\\ \\");
	ck_assert_uint_eq(l.count, 4);
	ck_assert_str_eq(l.v[0], "a");
	ck_assert_str_eq(l.v[1], "b c");
	ck_assert_str_eq(l.v[2], "d,e\\");
	ck_assert_str_eq(l.v[3], "\\");
	strings_free(&l);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("machine");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, exit_status, 0, sizeof(ends) / sizeof(ends[0]));
	tcase_add_test(tc, earlier_logs);
	tcase_add_test(tc, killed);
	tcase_add_test(tc, quiet_kvm);
	tcase_add_loop_test(tc, slow, 0, 2);
	tcase_add_test(tc, escaped);
	return suite_run();
}
