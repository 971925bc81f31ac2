/* SPDX-License-Identifier: MIT */
/* See saved.h; bench/saved.sh draws. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/saved.h"

#define LEAST	2

void saved_sample(struct run *r)
{
	r->samples = xrealloc(r->samples, (r->sample_count + 1) * sizeof(*r->samples));
	r->samples[r->sample_count++] = r->now;
}

static double mib(uint64_t pages)
{
	return (double)pages * PAGE_BYTES / MIB;
}

/* Events a second; the first sample has none before it. */
static double rate(uint64_t now, uint64_t before, uint64_t ms)
{
	return ms && now > before ? (double)(now - before) * 1000 / (double)ms : 0;
}

static void write_samples(const struct run *r, const char *dir)
{
	char *path = xasprintf("%s/saved.tsv", dir);
	FILE *f = fopen(path, "w");

	if (!f)
		die("cannot write %s: %s", path, strerror(errno));
	fprintf(f, "seconds\town MiB\tshared MiB\tsaved MiB\toffers/s\tbreaks/s\n");
	for (size_t i = 0; i < r->sample_count; i++) {
		const struct stats *s = &r->samples[i], *old = i ? s - 1 : s;
		uint64_t ms = s->t_ms > old->t_ms ? s->t_ms - old->t_ms : 0;

		fprintf(f, "%.3f\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\n",
			(double)s->t_ms / 1000, mib(s->owned),
			mib(s->pages_shared), mib(s->pages_sharing),
			rate(s->offers, old->offers, ms),
			rate(s->cow_breaks, old->cow_breaks, ms));
	}
	if (fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
	free(path);
}

/* False: it said why not. */
static bool draw(const char *dir)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		execlp("sh", "sh", "bench/saved.sh", dir, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

void saved_picture(const struct run *r, const char *dir)
{
	char *old = xasprintf("%s/saved.svg", dir);

	unlink(old);
	free(old);
	if (r->sample_count < LEAST) {
		printf("  Picture: none, the run was too short for one\n");
		return;
	}
	write_samples(r, dir);
	if (draw(dir))
		printf("  Picture: %s/saved.svg, of %s/saved.tsv\n", dir, dir);
}
