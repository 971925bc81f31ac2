/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>
#include <sys/mman.h>

#include "bench/host/ksm.h"
#include "bench/host/machine.h"

#define POLL_US	20000
#define KSM_ITEM_BYTES 64	/* an rmap_item; stable nodes come on top */
#define ATTEMPTS 2
#define PAUSE_US 1000000

static const char *const settings[] = {
	"run", "sleep_millisecs", "pages_to_scan",
};
static char saved[3][32];
static char schedstat[64];	/* of ksmd */

static int64_t ksm_read(const char *name)
{
	char path[96];
	long long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lld", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static bool ksm_write(const char *name, const char *value)
{
	char path[96];
	bool done;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	f = fopen(path, "w");
	if (!f)
		return false;
	done = fputs(value, f) >= 0;
	return fclose(f) == 0 && done;
}

static bool is_ksmd(const char *pid)
{
	char path[288], name[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return !strcmp(name, "ksmd\n");
}

static bool find_ksmd(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	schedstat[0] = '\0';
	while (proc && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_ksmd(e->d_name))
			snprintf(schedstat, sizeof(schedstat),
				 "/proc/%.20s/schedstat", e->d_name);
	if (proc)
		closedir(proc);
	return schedstat[0];
}

static uint64_t items_of(const char *pid)
{
	unsigned long long items = 0;
	char path[288];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/ksm_stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "ksm_rmap_items %llu", &items) != 1)
		items = 0;
	fclose(f);
	return items;
}

/*
 * Pages that other processes offer to KSM (QEMU does, for one): they disturb.
 */
static uint64_t foreign_items(void)
{
	DIR *proc = opendir("/proc");
	uint64_t sum = 0;
	struct dirent *e;

	while (proc && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    strtol(e->d_name, NULL, 10) != getpid())
			sum += items_of(e->d_name);
	if (proc)
		closedir(proc);
	return sum;
}

static double ksmd_cpu(void)
{
	unsigned long long ns = 0;
	FILE *f = fopen(schedstat, "r");

	if (f && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns * 1e-9;
}

const char *ksm_unusable(void)
{
	if (access("/sys/kernel/mm/ksm/run", F_OK))
		return "this kernel has no KSM";
	if (geteuid())
		return "KSM's settings need root";
	if (ksm_read("run") == 1)
		return "KSM runs already, for others";
	if (access("/sys/kernel/mm/ksm/run", W_OK))
		return "KSM's settings cannot be written";
	return find_ksmd() ? NULL : "there is no thread ksmd";
}

static void settings_restore(void)
{
	for (unsigned int i = ARRAY_COUNT(settings); i--; )
		ksm_write(settings[i], saved[i]);
}

static void settings_change(void)
{
	for (unsigned int i = 0; i < ARRAY_COUNT(settings); i++)
		snprintf(saved[i], sizeof(saved[i]), "%lld\n",
			 (long long)ksm_read(settings[i]));
	atexit(settings_restore);
	ksm_write("sleep_millisecs", "0");
	ksm_write("pages_to_scan", "1000000");
	ksm_write("run", "1");
}

/* Pages of this process that are KSM's now. */
static uint64_t merging_now(void)
{
	unsigned long long pages = 0;
	char line[64];
	FILE *f = fopen("/proc/self/ksm_stat", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "ksm_merging_pages %llu", &pages) == 1)
			break;
	if (f)
		fclose(f);
	return pages;
}

/* Until three whole scans found nothing more. */
static void wait_for_all(struct ksm_result *r)
{
	double cpu = ksmd_cpu(), start = bench_clock();
	uint64_t last = 0;
	int64_t scans = ksm_read("full_scans");

	while (ksm_read("full_scans") < scans + 4) {
		uint64_t now = merging_now();

		if (now != last) {
			scans = ksm_read("full_scans");
			r->cpu = ksmd_cpu() - cpu;
			r->seconds = bench_clock() - start;
			r->merged = now;
			last = now;
		}
		r->foreign = MAX(r->foreign, foreign_items());
		usleep(POLL_US);
	}
}

static double break_pages(uint8_t *pages, const struct ksm_set *set)
{
	double start = bench_cpu();

	for (uint32_t i = 0; i < set->duplicate_count; i++)
		pages[(size_t)set->duplicates[i] * SHARE_PAGE_BYTES] ^= 1;
	return (bench_cpu() - start) * 1e9 / MAX(set->duplicate_count, 1u);
}

static void run_once(const struct ksm_set *set, struct ksm_result *r)
{
	size_t bytes = set->count * SHARE_PAGE_BYTES;
	uint8_t *copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*r = (struct ksm_result){ 0 };
	if (copy == MAP_FAILED)
		return;
	madvise(copy, bytes, MADV_NOHUGEPAGE);
	memcpy(copy, set->pages, bytes);
	madvise(copy, bytes, MADV_MERGEABLE);
	settings_change();
	wait_for_all(r);
	/*
	 * Of the merged pages one for each content stays.  (It keeps more than
	 * one where a content has over max_page_sharing pages; that is not held
	 * against it.)
	 */
	r->merged -= MIN(r->merged, set->contents);
	r->metadata = set->count * KSM_ITEM_BYTES;
	ksm_write("run", "0");
	r->break_ns = break_pages(copy, set);
	munmap(copy, bytes);
	settings_restore();
	/* The part of its time that our pages had. */
	r->cpu *= (double)set->count / (set->count + r->foreign);
}

/* Others come and go: try a few times to be alone. */
void ksm_run(const struct ksm_set *set, struct ksm_result *r)
{
	for (unsigned int i = 0; i < ATTEMPTS; i++) {
		run_once(set, r);
		if (r->foreign <= set->count / 100)
			return;
		usleep(PAUSE_US);
	}
}
