/* SPDX-License-Identifier: MIT */
/*
 * Which pairs.
 *
 *   sim PART PARTS FILE  the pairs of that part, from 0, that FILE does not
 *                        have yet; a line for each is added: name, schedules,
 *                        failures
 *   sim A,B              one pair, of two domains
 *   sim A+B              the same of one domain's two vCPUs; with SIM_EACH in
 *                        the environment nothing is reduced (reduce.c)
 *   sim A,B,FIRST,N,M    one schedule: CPU FIRST starts, is left at its point
 *                        N, and comes
 *                        back when the other one is at its point M (0: at its
 *                        end)
 *   sim pairs            the names of all pairs
 *
 * Built for three CPUs (triples) it is about triples: A,B,C, where C is run by
 * the second vCPU of A's domain; a schedule of one is A,B,C,FIRST,N,M,STEP,BACK
 * (struct sim_schedule; BACK is 2 for `whole`).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/explore.h"
#include "sim/sim.h"

static const struct op *op_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < op_count(); i++)
		if (!strcmp(op_at(i)->name, name))
			return op_at(i);
	fprintf(stderr, "sim: no operation is called '%s'\n", name);
	exit(2);
}

static bool is_allowed(const struct op *op, bool one_domain)
{
	return op->where != (one_domain ? OP_TWO_DOMAINS : OP_ONE_DOMAIN);
}

static bool pair_is_allowed(const struct pair *p)
{
	if (SIM_CPUS > 2)
		return is_allowed(p->op[0], true) && is_allowed(p->op[0], false) &&
		       is_allowed(p->op[1], false) &&
		       is_allowed(p->op[SIM_CPUS - 1], true) &&
		       is_allowed(p->op[SIM_CPUS - 1], false);
	return is_allowed(p->op[0], p->one_domain) &&
	       is_allowed(p->op[1], p->one_domain) &&
	       (p->one_domain || p->op[0]->where != OP_FIRST ||
		p->op[1]->where != OP_FIRST);
}

static void bad_words(const char *why)
{
	fprintf(stderr, "sim: %s\n", why);
	exit(2);
}

#define NUMBERS		(SIM_CPUS < 3 ? 3 : 5)	/* of a schedule */

/* "A,B" or "A+B" or, of three, "A,B,C", and perhaps the numbers. */
static void replay(char *text)
{
	struct pair p = { .one_domain = strchr(text, '+') };
	char *word[SIM_CPUS + NUMBERS + 1] = { NULL };
	unsigned int n = 0, i;

	for (word[0] = strtok(text, ",+"); word[n] && n < SIM_CPUS + NUMBERS;)
		word[++n] = strtok(NULL, ",+");
	if (n != SIM_CPUS && n != SIM_CPUS + NUMBERS)
		bad_words("say A,B (two domains), A+B (two vCPUs), or A,B,FIRST,N,M");
	for (i = 0; i < SIM_CPUS; i++)
		p.op[i] = op_by_name(word[i]);
	if (!pair_is_allowed(&p))
		bad_words("an operation is not for these two");
	if (n > SIM_CPUS) {
		explore_schedule(&p, word + SIM_CPUS);
		return;
	}
	explore_pair(&p);
	printf("%lu schedules, %lu orders\n", results->schedules, results->orders);
}

/* Offer, break, drop and destroy, and what meets them (sim.h). */
static const char *const around[] = {
	"offer-same", "offer-granted", "unshare", "break-one", "unmap-shared",
	"give-back", "grant-map-ro", "kill",
};

/* A's and C's are vCPUs of one domain: either way round is the same. */
static void all_triples(void (*fn)(struct pair *p, void *arg), void *arg)
{
	unsigned int a, b, c;

	for (a = 0; a < ARRAY_COUNT(around); a++)
		for (c = a; c < ARRAY_COUNT(around); c++)
			for (b = 0; b < ARRAY_COUNT(around); b++) {
				struct pair p = { .op = { op_by_name(around[a]), op_by_name(around[b]) } };

				p.op[SIM_CPUS - 1] = op_by_name(around[c]);
				if (pair_is_allowed(&p))
					fn(&p, arg);
			}
}

/* fn for every pair: two domains', then one domain's. */
static void all_pairs(void (*fn)(struct pair *p, void *arg), void *arg)
{
	unsigned int one, a, b;

	if (SIM_CPUS > 2) {
		all_triples(fn, arg);
		return;
	}
	for (one = 0; one < 2; one++)
		for (a = 0; a < op_count(); a++)
			for (b = a; b < op_count(); b++) {
				struct pair p = { .op = { op_at(a), op_at(b) },
						  .one_domain = one };

				if (pair_is_allowed(&p))
					fn(&p, arg);
			}
}

static void pair_print(struct pair *p, void *arg)
{
	puts(explore_name(p));
}

/* --- all of them, and again --- */

struct part {
	unsigned int part, parts;
	unsigned long seen;
	FILE *results;
	char *done;	/* what the file has */
};

/* Lines that other processes add meanwhile are other parts'. */
static void part_open(struct part *p, const char *path)
{
	long bytes;

	p->results = fopen(path, "a+");
	if (!p->results || fseek(p->results, 0, SEEK_END) ||
	    (bytes = ftell(p->results)) < 0)
		bad_words("cannot open the file of results");
	p->done = calloc(1, (size_t)bytes + 2);
	CHECK(p->done);
	rewind(p->results);
	p->done[0] = '\n';
	if (fread(p->done + 1, 1, (size_t)bytes, p->results) != (size_t)bytes)
		bad_words("cannot read the file of results");
	setvbuf(p->results, NULL, _IOLBF, 0);
}

static bool is_done(const struct part *part, const struct pair *p)
{
	char line[110];

	snprintf(line, sizeof(line), "\n%s ", explore_name(p));
	return strstr(part->done, line);
}

static void part_pair(struct pair *p, void *arg)
{
	struct part *part = arg;

	if (part->seen++ % part->parts != part->part || is_done(part, p))
		return;
	results->failures = 0;
	results->schedules = 0;
	explore_pair(p);
	fprintf(part->results, "%s %lu %u\n", explore_name(p), results->schedules,
		results->failures);
}

static void part_of_pairs(struct part part, const char *path)
{
	part_open(&part, path);
	all_pairs(part_pair, &part);
	fclose(part.results);
	free(part.done);
	results->failures = 0;	/* the file has them */
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "pairs")) {
		all_pairs(pair_print, NULL);
		return 0;
	}
	reduce_nothing = getenv("SIM_EACH");
	explore_start();
	state_prepare();
	if (argc == 2)
		replay(argv[1]);
	else if (argc == 4)
		part_of_pairs((struct part){
			.part = (unsigned int)atoi(argv[1]),
			.parts = (unsigned int)atoi(argv[2]),
		}, argv[3]);
	else
		bad_words("see the head of tests/sim/main.c");
	return results->failures != 0;
}
