/* SPDX-License-Identifier: MIT */
/*
 * The two small languages of config.h: words NAME=VALUE, separated by blanks, a
 * value may be in double quotes.  Each language is a table of names with the
 * function that takes the value.  Pure: nothing here touches the machine.
 */
#include "ctl/config.h"
#include "ctl/first.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define WORD_MAX	1200
#define COUNT_MAX	10000
#define LOGLEVEL_MAX	3

struct boot_options boot_options;
struct boot_module boot_modules[BOOT_MODULES_MAX];
uint32_t boot_module_count;

/* One NAME=VALUE, in two NUL-terminated parts of one buffer. */
struct word {
	char text[WORD_MAX];
	const char *name, *value;	/* value NULL: no '=' */
};

/*
 * Puts a value into *out.  Returns NULL, or what is wrong with the value: "is
 * too long".
 */
typedef const char *(*take_fn)(const char *value, void *out);

struct rule {
	const char *name;
	take_fn take;
};

const struct boot_module *boot_module_find(const char *name)
{
	uint32_t i;

	for (i = 0; i < boot_module_count; i++)
		if (!strcmp(boot_modules[i].name, name))
			return &boot_modules[i];
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool config_module_name(const char *cmdline, char *name, size_t size)
{
	size_t n = 0;

	while (is_blank(*cmdline))
		cmdline++;
	for (; *cmdline && !is_blank(*cmdline); cmdline++) {
		if (*cmdline == '/')
			n = 0;
		else if (n + 1 < size)
			name[n++] = *cmdline;
		else
			return false;
	}
	name[n] = '\0';
	return n > 0;
}

const char *config_skip_word(const char *cmdline)
{
	while (is_blank(*cmdline))
		cmdline++;
	while (*cmdline && !is_blank(*cmdline))
		cmdline++;
	while (is_blank(*cmdline))
		cmdline++;
	return cmdline;
}

const char *config_skip_image_name(const char *cmdline)
{
	const char *p;

	while (is_blank(*cmdline))
		cmdline++;
	for (p = cmdline; *p && !is_blank(*p) && *p != '='; p++)
		if (*p == '/')
			break;
	if (*p == '=')
		return cmdline;
	while (*p && !is_blank(*p))
		p++;
	return p;
}

#define BAD_WORD "a quote does not end, a word is too long, or there is a NUL"

/*
 * The next word of [*at, end): 1, the word is in *w; 0, none is left; -1,
 * BAD_WORD.
 */
static int next_word(const char **at, const char *end, struct word *w)
{
	bool quoted = false;
	size_t n = 0;
	char c;

	w->name = w->text;
	w->value = NULL;
	while (*at < end && is_blank(**at))
		(*at)++;
	if (*at == end)
		return 0;
	for (; *at < end && (quoted || !is_blank(**at)); (*at)++) {
		c = **at;
		if (n + 1 >= sizeof(w->text) || !c)
			return -1;
		if (c == '"') {
			quoted = !quoted;
		} else if (c == '=' && !w->value) {
			w->text[n++] = '\0';
			w->value = w->text + n;
		} else {
			w->text[n++] = c;
		}
	}
	w->text[n] = '\0';
	return quoted ? -1 : 1;
}

/* Apply the rule for w: NULL, or what is wrong. */
static const char *apply(const struct rule *rules, size_t count,
			 const struct word *w, void *out, uint32_t *given)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(rules[i].name, w->name))
			continue;
		if (!w->value)
			return "needs a value";
		if (*given & 1u << i)
			return "is given twice";
		*given |= 1u << i;
		return rules[i].take(w->value, out);
	}
	return "is not known";
}

/* --- values --- */

static const char *take_onoff(const char *v, bool *out)
{
	*out = !strcmp(v, "on");
	return *out || !strcmp(v, "off") ? NULL : "must be on or off";
}

static const char *take_u32(const char *v, uint32_t min, uint32_t max,
			    uint32_t *out)
{
	uint64_t n;

	if (!str_to_u64(v, &n))
		return "is not a number";
	if (n < min || n > max)
		return "is out of range";
	*out = n;
	return NULL;
}

/* --- command line --- */

static const char *opt_config(const char *v, void *o)
{
	struct boot_options *out = o;

	return str_take_name(v, out->config_module, sizeof(out->config_module));
}

static const char *opt_loglevel(const char *v, void *o)
{
	return take_u32(v, 0, LOGLEVEL_MAX,
			&((struct boot_options *)o)->log_level);
}

static const char *opt_stats(const char *v, void *o)
{
	return str_to_u64(v, &((struct boot_options *)o)->stats_ms) ?
	       NULL : "is not a number";
}

static const char *opt_exit(const char *v, void *o)
{
	static const char *const names[] = {
		[EXITMODE_HALT] = "halt", [EXITMODE_QEMU] = "qemu",
		[EXITMODE_REBOOT] = "reboot",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(names); i++)
		if (!strcmp(v, names[i])) {
			((struct boot_options *)o)->exit_mode = i;
			return NULL;
		}
	return "must be qemu, halt or reboot";
}

static const char *opt_console(const char *v, void *o)
{
	struct boot_options *out = o;

	return str_take_name(v, out->console, sizeof(out->console));
}

static const char *opt_console_rate(const char *v, void *o)
{
	return take_u32(v, 0, 1u << 30,
			&((struct boot_options *)o)->console_rate);
}

static const char *opt_overcommit(const char *v, void *o)
{
	return take_onoff(v, &((struct boot_options *)o)->overcommit);
}

static const char *opt_selftest(const char *v, void *o)
{
	if (!TEST_BUILD)
		return "is known to the test build only";
	return str_take_name(v, ((struct boot_options *)o)->selftest,
			 sizeof(((struct boot_options *)o)->selftest));
}

static const char *opt_cpus(const char *v, void *o)
{
	return take_u32(v, 1, UINT32_MAX,
			&((struct boot_options *)o)->max_cpus);
}

static const char *opt_pages(const char *v, void *o)
{
	static const char *const names[] = {
		"auto", "scalar", "sse2", "avx2", "avx512",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(names); i++)
		if (!strcmp(v, names[i]))
			return str_take_name(v, ((struct boot_options *)o)->pages,
					 sizeof(((struct boot_options *)o)->pages));
	return "must be auto, scalar, sse2, avx2 or avx512";
}

static const char *opt_ctl(const char *v, void *o)
{
	struct boot_options *out = o;

	out->control = !strcmp(v, "com2");
	return out->control || !strcmp(v, "none") ? NULL : "must be com2 or none";
}

static const char *opt_dom0(const char *v, void *o)
{
	return first_take_mode(v, &((struct boot_options *)o)->first);
}

static const char *opt_dom0_mem(const char *v, void *o)
{
	return first_take_mem(v, &((struct boot_options *)o)->first);
}

static const char *opt_dom0_max_vcpus(const char *v, void *o)
{
	return first_take_vcpus(v, &((struct boot_options *)o)->first);
}

static const char *opt_com1(const char *v, void *o)
{
	return first_take_com1(v);
}

static const struct rule option_rules[] = {
	{ "config", opt_config }, { "loglevel", opt_loglevel },
	{ "stats", opt_stats }, { "exit", opt_exit },
	{ "console", opt_console }, { "console-rate", opt_console_rate },
	{ "overcommit", opt_overcommit },
	{ "selftest", opt_selftest }, { "cpus", opt_cpus },
	{ "pages", opt_pages }, { "ctl", opt_ctl },
	{ "dom0", opt_dom0 }, { "dom0_mem", opt_dom0_mem },
	{ "dom0_max_vcpus", opt_dom0_max_vcpus }, { "com1", opt_com1 },
};

bool config_parse_cmdline(const char *line, struct boot_options *out,
			  char *err, size_t err_bytes)
{
	const char *end = line + strlen(line), *wrong;
	struct word w;
	uint32_t given = 0;
	int got;

	*out = (struct boot_options){
		.config_module = "domains.cfg", .console = "all",
		.console_rate = 65536,
		.log_level = 2, .pages = "auto",
	};
	while ((got = next_word(&line, end, &w)) > 0) {
		wrong = apply(option_rules, ARRAY_COUNT(option_rules), &w, out,
			      &given);
		if (wrong) {
			fmt_snprintf(err, err_bytes,
				     "command line: %s%s%s %s", w.name,
				     w.value ? "=" : "", w.value ?: "", wrong);
			return false;
		}
	}
	if (got < 0)
		fmt_snprintf(err, err_bytes,
			     "command line: " BAD_WORD);
	return got == 0;
}

/* --- domain list --- */

static const char *dom_name(const char *v, void *o)
{
	struct domain_config *out = o;

	return str_take_name(v, out->name, sizeof(out->name));
}

static const char *dom_group(const char *v, void *o)
{
	struct domain_config *out = o;

	return str_take_name(v, out->group, sizeof(out->group));
}

static const char *dom_kernel(const char *v, void *o)
{
	struct domain_config *out = o;

	out->kernel = boot_module_find(v);
	return out->kernel ? NULL : "names no module that was loaded";
}

static const char *dom_memory(const char *v, void *o)
{
	struct domain_config *out = o;

	if (!str_to_u64(v, &out->memory_bytes))
		return "is not a size";
	return out->memory_bytes >= PAGE_SIZE ? NULL : "is too small";
}

static const char *dom_count(const char *v, void *o)
{
	return take_u32(v, 1, COUNT_MAX, &((struct domain_config *)o)->count);
}

static const char *dom_repeat(const char *v, void *o)
{
	return take_u32(v, 0, UINT32_MAX,
			&((struct domain_config *)o)->repeat);
}

static const char *dom_vcpus(const char *v, void *o)
{
	return take_u32(v, 1, CONFIG_VCPUS_MAX,
			&((struct domain_config *)o)->vcpus);
}

static const char *dom_weight(const char *v, void *o)
{
	return take_u32(v, 1, CONFIG_WEIGHT_MAX,
			&((struct domain_config *)o)->weight);
}

static const char *dom_cap(const char *v, void *o)
{
	return take_u32(v, 0, CONFIG_VCPUS_MAX * CONFIG_CAP_EACH,
			&((struct domain_config *)o)->cap);
}

static const char *dom_share(const char *v, void *o)
{
	uint64_t pages;

	if (!str_to_u64(v, &pages))
		return "is not a number";
	if (pages > CONFIG_SHARE_MAX)
		return "is more pages than any machine has";
	((struct domain_config *)o)->share_budget = pages;
	return NULL;
}

static const char *dom_breaks(const char *v, void *o)
{
	struct domain_config *out = o;

	out->break_first = !strcmp(v, "first");
	return out->break_first || !strcmp(v, "guest") ? NULL :
	       "is neither guest nor first";
}

static const char *dom_input(const char *v, void *o)
{
	struct domain_config *out = o;

	out->raw_input = !strcmp(v, "keys");
	return out->raw_input || !strcmp(v, "lines") ? NULL :
	       "is neither lines nor keys";
}

static const char *dom_cmdline(const char *v, void *o)
{
	struct domain_config *out = o;

	return str_copy(out->cmdline, sizeof(out->cmdline), v) ?
	       NULL : "is too long";
}

/* Add the module whose name is `bytes` long: one part of the list M1+M2+... */
static const char *add_module(struct domain_config *out, const char *name,
			      size_t bytes)
{
	char one[sizeof(boot_modules[0].name)];
	const struct boot_module *m = NULL;

	if (bytes < sizeof(one)) {
		memcpy(one, name, bytes);
		one[bytes] = '\0';
		m = boot_module_find(one);
	}
	if (!m)
		return "names a module that was not loaded";
	if (out->module_count == CONFIG_MODULES_MAX)
		return "names too many modules";
	out->modules[out->module_count++] = m;
	return NULL;
}

static const char *dom_modules(const char *v, void *o)
{
	const char *plus, *wrong = NULL;

	while (!wrong && (plus = strchr(v, '+'))) {
		wrong = add_module(o, v, plus - v);
		v = plus + 1;
	}
	return wrong ?: add_module(o, v, strlen(v));
}

static const struct rule domain_rules[] = {
	{ "name", dom_name }, { "kernel", dom_kernel },
	{ "memory", dom_memory }, { "count", dom_count },
	{ "group", dom_group }, { "modules", dom_modules },
	{ "cmdline", dom_cmdline }, { "share", dom_share },
	{ "repeat", dom_repeat }, { "breaks", dom_breaks },
	{ "input", dom_input }, { "vcpus", dom_vcpus },
	{ "weight", dom_weight }, { "cap", dom_cap },
};

static const char *missing_word(const struct domain_config *d)
{
	if (!d->name[0])
		return "name";
	if (!d->kernel)
		return "kernel";
	return d->memory_bytes ? NULL : "memory";
}

/*
 * The last domain's name must fit: cut short, web10 would be web1, another
 * domain's.
 */
static const char *name_wrong(const struct domain_config *d)
{
	char last[sizeof(d->name)];

	if (d->count > 1 &&
	    fmt_snprintf(last, sizeof(last), "%s%u", d->name, d->count) >=
	    (int)sizeof(last))
		return "is too long for the number behind it";
	return NULL;
}

/* Checked at the end of the line, because vcpus= may stand behind cap=. */
static const char *cap_wrong(const struct domain_config *d)
{
	return d->cap > d->vcpus * CONFIG_CAP_EACH ?
	       "is out of range: 100 for each vCPU is all that it can use" : NULL;
}

static bool line_failed(uint32_t line, const struct word *w, const char *wrong,
			char *err, size_t err_bytes)
{
	fmt_snprintf(err, err_bytes, "domain list line %u: %s%s%.80s %s", line,
		     w->name, w->value ? "=" : "", w->value ?: "", wrong);
	return false;
}

/* The words of one line, from after "domain". */
static bool parse_domain(const char *at, const char *end, uint32_t line,
			 struct domain_config *out, struct word *w, char *err,
			 size_t err_bytes)
{
	const char *wrong;
	uint32_t given = 0;
	int got;

	*out = (struct domain_config){ .count = 1, .vcpus = 1,
					.weight = SCHED_WEIGHT_DEFAULT,
					.share_budget = ~0UL };
	while ((got = next_word(&at, end, w)) > 0) {
		wrong = apply(domain_rules, ARRAY_COUNT(domain_rules), w, out,
			      &given);
		if (wrong)
			return line_failed(line, w, wrong, err, err_bytes);
	}
	wrong = missing_word(out);
	if (got < 0)
		fmt_snprintf(err, err_bytes,
			     "domain list line %u: " BAD_WORD, line);
	else if (wrong)
		fmt_snprintf(err, err_bytes,
			     "domain list line %u: %s= is missing", line, wrong);
	else if ((wrong = name_wrong(out)))
		fmt_snprintf(err, err_bytes, "domain list line %u: name=%s %s",
			     line, out->name, wrong);
	else if ((wrong = cap_wrong(out)))
		fmt_snprintf(err, err_bytes, "domain list line %u: cap=%u %s",
			     line, out->cap, wrong);
	return got == 0 && !wrong;
}

bool config_names(const struct domain_config *d, const char *name)
{
	size_t n = strlen(d->name);
	uint64_t number;

	if (d->count == 1)
		return !strcmp(name, d->name);
	/* The number as it is printed: no leading zero, no 0x, no K or M. */
	return !strncmp(name, d->name, n) && name[n] >= '1' &&
	       name[n] <= '9' && !strchr(name + n, 'x') &&
	       str_to_u64(name + n, &number) && number <= d->count &&
	       name[strlen(name) - 1] <= '9';
}

/*
 * Without a look at each name: the names of the longer one begin with its own,
 * of which what is beyond the shorter one's must be digits that one of its
 * numbers begins with; the lowest number that does ends in the longer one's 1.
 */
bool config_names_clash(const struct domain_config *a,
			const struct domain_config *b)
{
	char name[sizeof(a->name) + 1];
	const struct domain_config *shorter = a, *longer = b;

	if (a->count == 1)
		return config_names(b, a->name);
	if (b->count == 1)
		return config_names(a, b->name);
	if (strlen(a->name) > strlen(b->name)) {
		shorter = b;
		longer = a;
	}
	fmt_snprintf(name, sizeof(name), "%s1", longer->name);
	return config_names(shorter, name);
}

/* The end of the line at `text`, and where its comment starts. */
static const char *line_end(const char *text, const char *end,
			    const char **comment)
{
	bool quoted = false;

	*comment = NULL;
	for (; text < end && *text != '\n'; text++) {
		if (*text == '"')
			quoted = !quoted;
		if (*text == '#' && !quoted && !*comment)
			*comment = text;
	}
	if (!*comment)
		*comment = text;
	return text;
}

/* Skip the byte order mark that some editors put before UTF-8. */
static void skip_mark(const char **text, const char *end)
{
	if (end - *text >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3))
		*text += 3;
}

int config_next_domain(const char **text, const char *end, uint32_t *line_nr,
		       struct domain_config *out, char *err, size_t err_bytes)
{
	const char *at, *stop, *eol;
	struct word w;
	int got;

	if (!*line_nr)
		skip_mark(text, end);
	while (*text < end) {
		at = *text;
		eol = line_end(at, end, &stop);
		*text = eol < end ? eol + 1 : end;
		(*line_nr)++;
		got = next_word(&at, stop, &w);
		if (!got)
			continue;
		if (got < 0) {
			fmt_snprintf(err, err_bytes,
				     "domain list line %u: " BAD_WORD, *line_nr);
			return -1;
		}
		if (strcmp(w.name, "domain") || w.value) {
			line_failed(*line_nr, &w, "is not a \"domain\" line",
				    err, err_bytes);
			return -1;
		}
		return parse_domain(at, stop, *line_nr, out, &w, err,
				    err_bytes) ? 1 : -1;
	}
	return 0;
}
