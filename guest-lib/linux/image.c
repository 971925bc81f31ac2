// SPDX-License-Identifier: MIT
/*
 * Kernel text and rodata: 22 MiB that every guest of the same kernel has, the
 * same bytes (a PV kernel is not moved at random).  They have one entry, which
 * the linear map and the kernel's own map share, are never freed, and no
 * process maps them.  Code that patches text (kprobes, ftrace, static keys)
 * maps the page writable for itself, which breaks the share first; such pages
 * are offered again after a rest.
 */
#include <linux/printk.h>
#include <linux/vmalloc.h>

#include <asm/sections.h>

#include "pasture.h"

struct span {
	unsigned long first, end;	/* pfns */
	enum page_kind kind;
};

static struct span ranges[2];
static unsigned long base, end;
/* Of each page from base on, when it was offered; 0: it was not. */
static u32 *frames;

static int range_find(struct span *r, const char *from, const char *to, enum page_kind kind)
{
	unsigned long a = hyper_symbol(from), b = hyper_symbol(to);

	if (!a || b <= a)
		return -ENOENT;
	r->first = PFN_UP(__pa(a));
	r->end = PFN_DOWN(__pa(b));
	r->kind = kind;
	return 0;
}

int image_init(void)
{
	unsigned long pfn;
	int i;

	if (!param_text)
		return 0;
	if (range_find(&ranges[0], "_text", "_etext", KIND_TEXT) ||
	    range_find(&ranges[1], "__start_rodata", "__end_rodata", KIND_RODATA)) {
		pr_info("cannot find the kernel's text: it is not shared\n");
		return 0;
	}
	base = ranges[0].first;
	end = ranges[1].end;
	frames = vzalloc((end - base) * sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		for (pfn = ranges[i].first; pfn < ranges[i].end; pfn++)
			table_claim(pfn, ranges[i].kind);
	filler_init(hyper_symbol("_text"), ranges[0].first, ranges[0].end);
	return 0;
}

void image_fini(void)
{
	vfree(frames);
}

bool image_is_current(unsigned long pfn)
{
	unsigned long mfn;

	return hyper_frame_of(pfn, &mfn) && frames[pfn - base] == (u32)mfn;
}

/* After the offers of o were made: which frame is whose now. */
static void note(const struct offer *o)
{
	unsigned int i;

	for (i = 0; i < o->count; i++)
		if (o->entry[i].status == SHARE_DONE)
			frames[o->pfn[i] - base] = o->entry[i].mfn;
}

static void flush(struct offer *o, enum page_kind kind)
{
	long rc = offer_send(o, NULL, NULL);

	note(o);
	offer_account(o, kind, rc);
}

static void range_round(const struct span *r)
{
	struct offer *o = &offer_batch;
	unsigned long pfn;

	for (pfn = r->first; pfn < r->end; pfn++) {
		if (!table_may_offer(pfn, r->kind) || !offer_add(o, pfn, 0))
			continue;
		flush(o, r->kind);
		cond_resched();
	}
	flush(o, r->kind);
}

/* What lies between text and rodata the kernel gave free at boot. */
void image_round(void)
{
	int i;

	if (!frames)
		return;
	filler_round();
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		range_round(&ranges[i]);
}
