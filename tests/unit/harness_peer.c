// links: bench/harness/ksm_frames.c bench/harness/linux_share.c bench/harness/linux_state.c bench/harness/record.c bench/harness/machine.c bench/harness/qemu_args.c bench/harness/util.c
/* SPDX-License-Identifier: MIT */
/*
 * What the harness counts of a peer: frames behind a process's memory, and when
 * a saving was reached.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/ksm.h"
#include "harness/linux.h"
#include "unit/suite.h"

#define PAGES	256u
#define BYTES	(PAGES * 4096ul)

/*
 * A child with such memory, as QEMU has it, that writes two pages of it.  No
 * other page is like them: KSM may run just now, for another test.
 */
static pid_t child(uint8_t *ram)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	ck_assert(!pipe(ready));
	pid = fork();
	if (!pid) {
		for (unsigned int i = 0; i < 2; i++)
			*(uint64_t *)(ram + i * 5 * 4096) = 2 * (uint64_t)getpid() + i;
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static uint8_t *memory(void)
{
	uint8_t *ram = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(ram != MAP_FAILED);
	madvise(ram, BYTES, MADV_NOHUGEPAGE);
	return ram;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A frame that two processes map counts once. */
START_TEST(frames)
{
	uint8_t *ram = memory();
	struct ksm_process p[2] = { 0 };

	if (madvise(ram, BYTES, MADV_MERGEABLE) || geteuid())
		return;		/* no KSM here, or not root: no such run */
	ram[20 * 4096] = 3;	/* both children have this one */
	p[0].pid = child(ram);
	p[1].pid = child(ram);
	ck_assert_uint_eq(ksm_frames(p, 2, BYTES), 5);
	ck_assert_uint_ge(p[0].pages, PAGES);
	ck_assert_uint_eq(ksm_frames(p, 1, BYTES), 3);
	end(p[0].pid);
	end(p[1].pid);
	ck_assert_uint_eq(ksm_frames(p, 2, BYTES), 0);
	munmap(ram, BYTES);
}
END_TEST

/* Memory that is too small, or that KSM is not told of, is no guest's. */
START_TEST(other_memory)
{
	uint8_t *ram = memory();
	struct ksm_process p = { 0 };

	p.pid = child(ram);
	ck_assert_uint_eq(ksm_frames(&p, 1, BYTES), 0);
	end(p.pid);
	if (!madvise(ram, BYTES, MADV_MERGEABLE)) {
		p.pid = child(ram);
		ck_assert_uint_eq(ksm_frames(&p, 1, 64 * BYTES), 0);
		end(p.pid);
	}
	munmap(ram, BYTES);
}
END_TEST

START_TEST(saved)
{
	struct linux_sample v[] = {
		{ 1, 100 }, { 2, 900 }, { 3, 500 }, { 4, 1089 }, { 5, 1095 }, { 6, 1100 }, { 7, 200 },
	};
	struct linux_samples s = { v, 7 };
	struct linux_saving w = { .start = 1.5, .until = 6.5, .free = 1100, .saved = 1000 };

	/*
	 * 1090 are wanted, and are there from 5 on; what comes after is not
	 * looked at.
	 */
	ck_assert_double_eq(linux_samples_saved(&s, &w), 3.5);
	/* Once too few again. */
	v[5].free = 1000;
	ck_assert_double_eq(linux_samples_saved(&s, &w), 5.5);
	v[5].free = 1100;
	/* It was there before. */
	w.start = 4.5;
	ck_assert_double_eq(linux_samples_saved(&s, &w), 0);
	/* Frames that are taken are counted below zero. */
	for (int i = 0; i < 7; i++)
		v[i].free -= 5000;
	w = (struct linux_saving){ .start = 1.5, .until = 6.5, .free = 1100 - 5000, .saved = 1000 };
	ck_assert_double_eq(linux_samples_saved(&s, &w), 3.5);
}
END_TEST

START_TEST(add)
{
	struct linux_samples s = { 0 };

	for (int i = 0; i < 100; i++)
		linux_samples_add(&s, -i);
	ck_assert_uint_eq(s.count, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(s.v[i].free, -i);
	free(s.v);
}
END_TEST

/* Ten seconds since the last one in which 0.25 % went. */
START_TEST(rests)
{
	struct linux_rest rest = { 0 };

	ck_assert(!linux_rests(&rest, 100, 10000));
	ck_assert(!linux_rests(&rest, 109, 9980));
	ck_assert(linux_rests(&rest, 110, 9980));
	ck_assert(!linux_rests(&rest, 111, 9970));
	ck_assert(!linux_rests(&rest, 120, 9950));
	ck_assert(linux_rests(&rest, 121, 12000));
}
END_TEST

/* Two guests take 100 MiB, four take 130: 15 for each of the further two. */
START_TEST(further)
{
	struct linux_run r = { .finals = 1, .count = 2, .free_at_start = 30000 };

	r.at[SHARE_IDLE].free = 30000 - 25600;
	ck_assert_double_eq(linux_further_mib(&r), 0);
	r.twice_mib = 130;
	ck_assert_double_eq(linux_further_mib(&r), 15);
	r.finals = 0;
	ck_assert_double_eq(linux_further_mib(&r), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("peer");

	tcase_add_test(tc, frames);
	tcase_add_test(tc, other_memory);
	tcase_add_test(tc, saved);
	tcase_add_test(tc, add);
	tcase_add_test(tc, rests);
	tcase_add_test(tc, further);
	return suite_run();
}
