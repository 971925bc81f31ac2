/* SPDX-License-Identifier: MIT */
/* See verdict.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/record.h"
#include "harness/verdict.h"

#define EXIT_PANIC 2	/* of the hypervisor; hv/x86/cpu.h */

const char *const result_names[RESULTS] = {
	"SUCCESS", "SKIP", "ERROR", "FAILURE", "CRASH", "TIMEOUT",
};

static struct pattern *compile(const struct boot_test *t,
			       const struct strings *l)
{
	struct pattern *p = xcalloc(l->count, sizeof(*p));

	for (size_t i = 0; i < l->count; i++)
		if (regcomp(&p[i].regex, l->v[i], REG_EXTENDED | REG_NOSUB))
			die("%s/test.cfg: not a regular expression: %s",
			    t->folder, l->v[i]);
	return p;
}

static void release(struct pattern *p, size_t count)
{
	for (size_t i = 0; i < count; i++)
		regfree(&p[i].regex);
	free(p);
}

void verdict_init(struct verdict *v, const struct boot_test *t)
{
	*v = (struct verdict){ .test = t };
	v->expect = compile(t, &t->expect_lines);
	v->forbid = compile(t, &t->forbid_lines);
}

char *verdict_guest(struct verdict *v, const char *line)
{
	char *out = xstrdup(line), *at = strstr(out, " expect=");
	const char *name = strstr(line, "name=");
	char name_copy[64], expect[32] = "";

	snprintf(name_copy, sizeof(name_copy), "%s", name ? name + 5 : "");
	name_copy[strcspn(name_copy, " ")] = '\0';
	if (at && sscanf(at, " expect=%31s", expect) == 1) {
		char *rest = at + strlen(" expect=") + strlen(expect);

		memmove(at, rest, strlen(rest) + 1);
	}
	strings_add(&v->guest_names, name_copy);
	strings_add(&v->guest_expects, expect[0] ? expect : v->test->expect);
	return out;
}

/* Names are unique but for the number that count= and repeat= add. */
static const char *expected_of(const struct verdict *v, const char *name)
{
	for (size_t i = 0; i < v->guest_names.count; i++) {
		const char *base = v->guest_names.v[i];
		size_t n = strlen(base);

		if (!strncmp(base, name, n) &&
		    !name[n + strspn(name + n, "0123456789")])
			return v->guest_expects.v[i];
	}
	return v->test->expect;
}

static struct tested_domain *find(struct verdict *v, uint64_t id)
{
	for (size_t i = v->domain_count; i-- > 0;)
		if (v->domains[i].id == id)
			return &v->domains[i];
	return NULL;
}

static void take_domain(struct verdict *v, const struct record *r)
{
	uint64_t id = record_number(r, "id", 0);
	const char *name = record_text(r, "name");
	struct tested_domain *d = find(v, id);

	/* A part of the hypervisor (hv/ctl/unpack.c) is no guest of a test. */
	if (record_text(r, "part"))
		return;
	if (record_is(r, "state", "created")) {
		v->domains = xrealloc(v->domains, (v->domain_count + 1) *
				      sizeof(*v->domains));
		d = &v->domains[v->domain_count++];
		*d = (struct tested_domain){ .id = id };
		snprintf(d->name, sizeof(d->name), "%s", name ? name : "?");
	} else if (d && record_is(r, "reason", "crash")) {
		d->crashed = true;
	}
}

static void take_result(struct verdict *v, const struct record *r)
{
	struct tested_domain *d = find(v, r->domid);
	const char *at = strstr(r->text, "Test result: ");
	char word[16];

	if (!d || !at || sscanf(at, "Test result: %15[A-Z]", word) != 1)
		return;
	d->has_result = true;
	d->result = RESULT_ERROR;
	for (int i = RESULT_SUCCESS; i <= RESULT_FAILURE; i++)
		if (!strcmp(word, result_names[i]))
			d->result = (enum result)i;
}

static void match(struct pattern *p, size_t count, const char *line)
{
	for (size_t i = 0; i < count; i++)
		if (!p[i].seen && !regexec(&p[i].regex, line, 0, NULL, 0))
			p[i].seen = true;
}

void verdict_line(void *verdict, const char *line)
{
	struct verdict *v = verdict;
	struct record r;

	match(v->expect, v->test->expect_lines.count, line);
	match(v->forbid, v->test->forbid_lines.count, line);
	record_parse(&r, line);
	if (r.domain)
		take_result(v, &r);
	else if (r.topic && !strcmp(r.topic, "dom"))
		take_domain(v, &r);
}

static enum result because(struct verdict *v, enum result result, char *why)
{
	free(v->why);
	v->why = why;
	return result;
}

static enum result judge_domain(struct verdict *v,
				const struct tested_domain *d)
{
	const char *expect = expected_of(v, d->name);

	if (!strcmp(expect, "NONE"))
		return RESULT_SUCCESS;
	if (!strcmp(expect, "CRASH"))
		return d->crashed ? RESULT_SUCCESS :
		       because(v, RESULT_FAILURE, xasprintf(
				"guest %s should have been killed", d->name));
	if (d->has_result && d->result != RESULT_SUCCESS)
		return because(v, d->result, xasprintf(
				"guest %s says so", d->name));
	if (d->crashed)
		return because(v, RESULT_CRASH, xasprintf(
				"guest %s crashed", d->name));
	if (!d->has_result)
		return because(v, RESULT_ERROR, xasprintf(
				"guest %s gave no result", d->name));
	return RESULT_SUCCESS;
}

/* The worst of all guests: a skip counts only if nothing is wrong. */
static enum result judge_domains(struct verdict *v)
{
	enum result worst = RESULT_SUCCESS;

	if (!v->domain_count)
		return because(v, RESULT_ERROR,
			       xstrdup("no guest was created"));
	for (size_t i = 0; i < v->domain_count; i++) {
		enum result r = judge_domain(v, &v->domains[i]);

		if (r > worst)
			worst = r;
	}
	return worst;
}

static enum result judge_lines(struct verdict *v)
{
	const struct boot_test *t = v->test;

	for (size_t i = 0; i < t->expect_lines.count; i++)
		if (!v->expect[i].seen)
			return because(v, RESULT_FAILURE, xasprintf(
				"no line matches: %s", t->expect_lines.v[i]));
	for (size_t i = 0; i < t->forbid_lines.count; i++)
		if (v->forbid[i].seen)
			return because(v, RESULT_FAILURE, xasprintf(
				"a line matches: %s", t->forbid_lines.v[i]));
	return RESULT_SUCCESS;
}

enum result verdict_give(struct verdict *v, const struct machine *m,
			 bool timed_out)
{
	bool refused = !strcmp(v->test->expect, "REFUSED");
	int code = v->test->has_exit ? (int)v->test->exit : refused;
	enum result r = RESULT_SUCCESS;

	/*
	 * A panic may be what is tested (exit=2): then its code and lines
	 * count.
	 */
	if ((m->panic && code != EXIT_PANIC) ||
	    (!timed_out && m->end != MACHINE_EXITED))
		return because(v, RESULT_CRASH, machine_why(m));
	if (timed_out)
		return because(v, RESULT_TIMEOUT, xasprintf(
			"not over after %llu s",
			(unsigned long long)v->test->timeout));
	if (!refused)
		r = judge_domains(v);
	if (r != RESULT_SUCCESS && r != RESULT_SKIP)
		return r;
	if (m->code != code)
		return because(v, m->code >= 2 ? RESULT_CRASH : RESULT_FAILURE,
			       machine_why(m));
	return r == RESULT_SKIP ? r : judge_lines(v);
}

void verdict_fini(struct verdict *v)
{
	release(v->expect, v->test->expect_lines.count);
	release(v->forbid, v->test->forbid_lines.count);
	strings_free(&v->guest_names);
	strings_free(&v->guest_expects);
	free(v->domains);
	free(v->why);
}
