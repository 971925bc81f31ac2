/* SPDX-License-Identifier: MIT */
/* See testcfg.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/testcfg.h"

static bool set_number(uint64_t *to, const char *value, uint64_t max)
{
	return parse_number(value, 0, max, to);
}

static void set_text(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

/* One key; false: unknown key or bad value. */
static bool set_key(struct boot_test *t, struct strings *variants,
		    const char *key, const char *value)
{
	const struct { const char *key; struct strings *list; } lists[] = {
		{ "guest", &t->guests }, { "module", &t->modules },
		{ "expect_line", &t->expect_lines },
		{ "forbid_line", &t->forbid_lines },
	};
	const struct { const char *key; char **text; } texts[] = {
		{ "cpu_model", &t->cpu_model }, { "append", &t->append },
		{ "expect", &t->expect }, { "qemu", &t->qemu },
	};
	const struct { const char *key; uint64_t *number; } numbers[] = {
		{ "mem", &t->mem }, { "cpus", &t->cpus },
		{ "timeout", &t->timeout }, { "exit", &t->exit },
		{ "icount", &t->icount },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!strcmp(key, lists[i].key))
			return strings_add(lists[i].list, value), true;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(key, texts[i].key))
			return set_text(texts[i].text, value), true;
	t->has_exit |= !strcmp(key, "exit");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(key, numbers[i].key))
			return set_number(numbers[i].number, value, 1u << 20);
	if (strcmp(key, "variants"))
		return false;
	strings_split(variants, value, " ");
	return true;
}

static bool set_word(struct boot_test *t, struct strings *variants, char *word)
{
	char *eq = strchr(word, '=');

	if (!eq)
		return false;
	*eq = '\0';
	return set_key(t, variants, word, eq + 1);
}

static void read_file(struct boot_test *t, struct strings *variants)
{
	char *path = xasprintf("%s/test.cfg", t->folder);
	FILE *f = fopen(path, "r");
	char line[2048];
	int number = 0;

	if (!f)
		die("cannot read %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		if (!set_word(t, variants, line))
			die("%s:%d: unknown key or bad value: %s", path, number,
			    line);
	}
	fclose(f);
	free(path);
}

/* variant: "cpus=2" or "cpus=2,cpu_model=max"; NULL: the test as it stands. */
static void add_test(struct boot_tests *tests, const char *root,
		     const char *name, const char *variant,
		     struct strings *variants)
{
	struct boot_test t = {
		.mem = 256, .cpus = 1, .timeout = 30,
		.cpu_model = xstrdup("qemu64"), .append = xstrdup(""),
		.expect = xstrdup("SUCCESS"), .qemu = xstrdup(""),
	};
	struct strings words = { 0 };

	t.folder = xasprintf("%s/%s", root, name);
	t.name = variant ? xasprintf("%s:%s", name, variant) : xstrdup(name);
	read_file(&t, variants);
	strings_split(&words, variant ? variant : "", ",");
	for (size_t i = 0; i < words.count; i++)
		if (!set_word(&t, variants, words.v[i]))
			die("%s/test.cfg: bad variant %s", t.folder, variant);
	strings_free(&words);
	tests->v = xrealloc(tests->v, (tests->count + 1) * sizeof(*tests->v));
	tests->v[tests->count++] = t;
}

static void add_folder(struct boot_tests *tests, const char *root,
		       const char *name)
{
	struct strings variants = { 0 }, ignored = { 0 };

	add_test(tests, root, name, NULL, &variants);
	for (size_t i = 0; i < variants.count; i++)
		add_test(tests, root, name, variants.v[i], &ignored);
	strings_free(&variants);
	strings_free(&ignored);
}

static bool is_test(const char *root, const char *name)
{
	char *path = xasprintf("%s/%s/test.cfg", root, name);
	bool is = name[0] != '.' && file_exists(path);

	free(path);
	return is;
}

void boot_tests_load(struct boot_tests *tests, const char *root)
{
	struct dirent **names = NULL;
	int count = scandir(root, &names, NULL, alphasort);

	*tests = (struct boot_tests){ 0 };
	if (is_test(root, "canary"))
		add_folder(tests, root, "canary");
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i]->d_name, "canary") &&
		    is_test(root, names[i]->d_name))
			add_folder(tests, root, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

void boot_tests_free(struct boot_tests *tests)
{
	for (size_t i = 0; i < tests->count; i++) {
		struct boot_test *t = &tests->v[i];

		strings_free(&t->guests);
		strings_free(&t->modules);
		strings_free(&t->expect_lines);
		strings_free(&t->forbid_lines);
		free(t->name);
		free(t->folder);
		free(t->cpu_model);
		free(t->append);
		free(t->expect);
		free(t->qemu);
	}
	free(tests->v);
	*tests = (struct boot_tests){ 0 };
}
