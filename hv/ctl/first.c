/* SPDX-License-Identifier: MIT */
/* See first.h.  Pure, but for the list of modules. */
#include "ctl/first.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define FIRST_NAME	"dom0"
#define SIZE_TEXT	24

/* what follows the name of the module that is the kernel */
static char words[sizeof(((struct domain_config *)0)->cmdline)];
static bool words_fit = true, words_noted;

const char *first_take_mode(const char *v, struct first_options *out)
{
	out->wanted = !strcmp(v, "pv");
	return out->wanted ? NULL : "must be pv";
}

/* [v, end) as a size; a number alone is KiB, as on Xen. */
static bool take_size(const char *v, const char *end, uint64_t *bytes)
{
	char text[SIZE_TEXT];
	size_t n = end - v;

	if (!n || n + 2 > sizeof(text))
		return false;
	memcpy(text, v, n);
	if (text[n - 1] >= '0' && text[n - 1] <= '9')
		text[n++] = 'K';
	text[n] = '\0';
	return str_to_u64(text, bytes);
}

/* One part, which ends before `end`. */
static bool take_mem_part(const char *v, const char *end, uint64_t *size,
			  uint64_t *min, uint64_t *max)
{
	if (!strncmp(v, "min:", 4))
		return take_size(v + 4, end, min);
	if (!strncmp(v, "max:", 4))
		return take_size(v + 4, end, max);
	return take_size(v, end, size);
}

const char *first_take_mem(const char *v, struct first_options *out)
{
	uint64_t size = 0, min = 0, max = 0;
	const char *comma;

	for (; (comma = strchr(v, ',')); v = comma + 1)
		if (!take_mem_part(v, comma, &size, &min, &max))
			return "must be sizes, as 512M or 512M,max:512M";
	if (!take_mem_part(v, v + strlen(v), &size, &min, &max))
		return "must be sizes, as 512M or 512M,max:512M";
	size = MAX(size ?: max, min);
	if (max > size)
		return "has max: above the size, and memory cannot be added later";
	if (max && max < size)
		return "has max: below the size";
	if (size < PAGE_SIZE)
		return "is too small";
	out->wanted = true;
	out->bytes = size;
	return NULL;
}

const char *first_take_vcpus(const char *v, struct first_options *out)
{
	char text[SIZE_TEXT];
	const char *dash = strchr(v, '-');
	uint64_t min, max;

	if (!str_copy(text, sizeof(text), v))
		return "is not a number";
	if (dash)
		text[dash - v] = '\0';
	if (!str_to_u64(text, &min) || !str_to_u64(dash ? dash + 1 : text, &max))
		return "must be a number, or two with - between";
	if (!min || max < min || max > CONFIG_VCPUS_MAX)
		return "is out of range";
	out->wanted = true;
	out->vcpus_min = min;
	out->vcpus_max = max;
	return NULL;
}

const char *first_take_com1(const char *v)
{
	return !strcmp(v, "115200") || !strcmp(v, "115200,8n1") ? NULL :
	       "must be 115200,8n1, which the serial line is set to";
}

bool first_owns_console(const char *console)
{
	static const char *const devices[] = {
		"com1", "vga", "com1,vga", "vga,com1",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(devices); i++)
		if (!strcmp(console, devices[i]))
			return true;
	return false;
}

void first_note_module(const char *name, const char *cmdline)
{
	if (words_noted || !strcmp(name, boot_options.config_module))
		return;
	words_noted = true;
	words_fit = str_copy(words, sizeof(words),
			     config_skip_word(cmdline));
}

/* The number-th module that is not the domain list; NULL: there is none. */
static const struct boot_module *module_other(unsigned int number)
{
	uint32_t i;

	for (i = 0; i < boot_module_count; i++)
		if (strcmp(boot_modules[i].name, boot_options.config_module) &&
		    !number--)
			return &boot_modules[i];
	return NULL;
}

static uint32_t vcpus_of(const struct first_options *o, uint32_t cpus)
{
	uint32_t most = o->vcpus_max ?: CONFIG_VCPUS_MAX;

	return MIN(MAX(cpus, o->vcpus_min), most);
}

bool first_configure(const struct first_options *options, uint32_t cpus,
		     uint64_t most_bytes, struct domain_config *out, char *err,
		     size_t err_bytes)
{
	const struct boot_module *disk = module_other(1);

	*out = (struct domain_config){
		.name = FIRST_NAME, .first = true, .count = 1,
		.kernel = module_other(0), .weight = SCHED_WEIGHT_DEFAULT,
		.vcpus = vcpus_of(options, cpus), .raw_input = true,
	};
	if (!out->kernel || !words_fit) {
		fmt_snprintf(err, err_bytes, out->kernel ?
			     "the first domain's kernel has a command line that is too long" :
			     "the first domain's kernel was not loaded: it is the first module, and its initial RAM disk the second");
		return false;
	}
	memcpy(out->cmdline, words, sizeof(words));
	if (disk)
		out->modules[out->module_count++] = disk;
	out->memory_bytes = options->bytes ?: most_bytes;
	return true;
}
