/* SPDX-License-Identifier: MIT */
/*
 * The section __xen_guest; elf_guest.h has the contract.
 *
 * What differs from notes: the hypercall page is a page number from VIRT_BASE
 * on, and ELF_PADDR_OFFSET is VIRT_BASE unless it is given.  FEATURES is not
 * looked at, as with notes: kernels write a ! before features that no Xen gives
 * them (Mini-OS), and ask XENVER_get_features when they run.
 */
#include <port.h>

#include "lib/fmt.h"
#include "lib/string.h"
#include "ctl/elf_guest.h"

#define NAME_MAX_BYTES	32	/* with the zero, as Xen has them */
#define VALUE_MAX_BYTES	128

enum number { BASE, ENTRY, OFFSET, HYPERCALL_PAGE, NUMBERS };

static const char *const number_names[NUMBERS] = {
	[BASE] = "VIRT_BASE",
	[ENTRY] = "VIRT_ENTRY",
	[OFFSET] = "ELF_PADDR_OFFSET",
	[HYPERCALL_PAGE] = "HYPERCALL_PAGE",
};

struct guest_text {
	const char *text;	/* the rest */
	uint64_t bytes;
	char name[NAME_MAX_BYTES], value[VALUE_MAX_BYTES];
	uint64_t number[NUMBERS];
	bool given[NUMBERS];
	bool loader_ok, version_ok;
	char *err;
	size_t err_bytes;
};

#define FAIL(g, ...) \
	(fmt_snprintf((g)->err, (g)->err_bytes, "__xen_guest: " __VA_ARGS__), \
	 false)

static bool starts_with(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static char first(const struct guest_text *g)
{
	return g->bytes ? *g->text : '\0';
}

static void skip(struct guest_text *g)
{
	g->text++;
	g->bytes--;
}

/*
 * Read a word up to `stop`, a comma or the end.  False: it is too long for
 * `size`.
 */
static bool word_read(struct guest_text *g, char *to, size_t size, char stop)
{
	size_t n = 0;

	for (; first(g) && first(g) != ',' && first(g) != stop; skip(g)) {
		if (n == size - 1)
			return false;
		to[n++] = first(g);
	}
	to[n] = '\0';
	return true;
}

static bool pair_read(struct guest_text *g)
{
	g->value[0] = '\0';
	if (!word_read(g, g->name, sizeof(g->name), '='))
		return FAIL(g, "a name has more than %d characters",
			    NAME_MAX_BYTES - 1);
	if (first(g) == '=') {
		skip(g);
		if (!word_read(g, g->value, sizeof(g->value), ','))
			return FAIL(g, "the value of %s has more than %d characters",
				    g->name, VALUE_MAX_BYTES - 1);
	}
	if (first(g) == ',')
		skip(g);
	return true;
}

static bool number_take(struct guest_text *g)
{
	for (unsigned int i = 0; i < NUMBERS; i++) {
		if (strcmp(g->name, number_names[i]))
			continue;
		if (!str_to_u64(g->value, &g->number[i]))
			return FAIL(g, "%s=%s is no number", g->name, g->value);
		g->given[i] = true;
	}
	return true;
}

static bool pair_take(struct guest_text *g)
{
	if (!strcmp(g->name, "LOADER"))
		g->loader_ok |= starts_with(g->value, "generic");
	else if (!strcmp(g->name, "GUEST_OS"))
		g->loader_ok |= starts_with(g->value, "linux");
	else if (!strcmp(g->name, "XEN_VER"))
		g->version_ok = starts_with(g->value, "xen-3.0");
	return number_take(g);
}

static bool whole_ok(struct guest_text *g)
{
	if (!g->loader_ok)
		return FAIL(g, "neither LOADER=generic nor GUEST_OS=linux");
	if (!g->version_ok)
		return FAIL(g, "not XEN_VER=xen-3.0");
	if (g->given[OFFSET] && !g->given[BASE])
		return FAIL(g, "ELF_PADDR_OFFSET without VIRT_BASE");
	return true;
}

bool elf_guest_read(const char *text, uint64_t bytes, struct elf_image *out,
		    bool *has_entry, char *err, size_t err_bytes)
{
	struct guest_text g = {
		.text = text, .bytes = bytes, .err = err, .err_bytes = err_bytes,
	};

	while (first(&g))
		if (!pair_read(&g) || !pair_take(&g))
			return false;
	if (!whole_ok(&g))
		return false;
	out->virt_base = g.number[BASE];
	out->paddr_offset = g.number[g.given[OFFSET] ? OFFSET : BASE];
	if (g.given[HYPERCALL_PAGE])
		out->hypercall_page = (g.number[HYPERCALL_PAGE] << PAGE_SHIFT) +
				      out->virt_base;
	*has_entry = g.given[ENTRY];
	out->entry = g.number[ENTRY];
	return true;
}
