/* SPDX-License-Identifier: MIT */
/*
 * See unpack.h.  Decoders are large, and work on what somebody downloaded; in
 * here one would be a part of what everybody trusts.  So the libraries' own
 * decoders run in a domain without rights (guest-lib/unpack, a part of our
 * image), which gets the packed bytes as its initial RAM disk.
 *
 *   unpack_begin()   it is built, and runs
 *   unpack_take()    it has shut down: its last pages are copied, then it ends
 *   unpack_over()    it is gone, with all its memory: the first domain is built
 *
 * UNPACK1  Whatever the domain does, it ends, is taken from once, and over is
 *          called once: only what it leaves says whether it did its work.
 * UNPACK2  What it leaves is taken by name, page by page, when nothing of it
 *          runs any more; pages that it gave away are zeroes.  The content is
 *          looked at as any kernel is that was loaded as it stands.
 * UNPACK3  The other domains are built after it: nobody can name it, and what
 *          it was given is free again.
 */
#include <port.h>

#include <xen/sched.h>

#include "ctl/build.h"
#include "ctl/unpack.h"
#include "debug/log.h"
#include "dom/die.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "lib/bzimage.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/m2p.h"
#include "mm/palloc.h"

/* for a decoder: xz remembers up to 128 MiB of what it wrote */
#define ROOM		(160UL << 20)

#define FAIL(...) (fmt_snprintf(err, err_bytes, __VA_ARGS__), false)

/* Constant once the domain runs: */
static struct boot_module payload, content;
static struct domain_config config;
static struct domain_config *first;	/* NULL: nothing to unpack */
static void (*then)(const char *why);
/* the content is there; set before the domain ends, read when it is gone */
static bool done;

static uint64_t content_pages(void)
{
	return ALIGN_UP(content.bytes, PAGE_SIZE) / PAGE_SIZE;
}

/* *b, of m; false: it cannot be unpacked, or, with err[0] = 0, need not be. */
static bool header_ok(struct bzimage *b, const struct boot_module *m, char *err,
		      size_t err_bytes)
{
	switch (bzimage_read(b, maddr_to_virt(m->start), m->bytes)) {
	case BZIMAGE_OLD:
		return FAIL("the kernel %s is too old: its header does not say where the kernel proper is", m->name);
	case BZIMAGE_CUT:
		return FAIL("the kernel %s is not whole: it has %lu bytes, its header wants %lu", m->name,
			    m->bytes, b->at + b->bytes);
	case BZIMAGE_DAMAGED:
		return FAIL("the kernel %s is damaged: its content would have %u bytes", m->name, b->content);
	case BZIMAGE_NOT:
		return false;
	case BZIMAGE_WHOLE:
		break;
	}
	return true;
}

bool unpack_plan(struct domain_config *f, uint64_t *bytes, char *err,
		 size_t err_bytes)
{
	struct bzimage b;

	err[0] = '\0';
	if (!header_ok(&b, f->kernel, err, err_bytes))
		return false;
	payload = content = *f->kernel;
	payload.start = maddr_add(payload.start, b.at);
	payload.bytes = b.bytes;
	content.bytes = b.content;
	first = f;
	*bytes = content_pages() * PAGE_SIZE;
	return true;
}

/* --- room for the content, in a row --- */

/* Pages [at, end) of it go back. */
static void room_give(uint64_t at, uint64_t end)
{
	unsigned int order;

	while (at < end) {
		order = at ? __builtin_ctzl(at) : PALLOC_MAX_ORDER;
		while (at + (1UL << order) > end)
			order--;
		palloc_hv_free((uint8_t *)maddr_to_virt(content.start) + at * PAGE_SIZE, order);
		at += 1UL << order;
	}
}

static bool room_take(void)
{
	unsigned int order = 0;
	void *p;

	while (1UL << order < content_pages())
		order++;
	p = palloc_hv(order);
	if (!p)
		return false;
	content.start = virt_to_maddr(p);
	room_give(content_pages(), 1UL << order);
	return true;
}

/* --- the domain --- */

static void configure(const struct boot_module *unpacker)
{
	uint64_t most = domain_promise_left() / 8 * 7 * PAGE_SIZE;

	config = (struct domain_config){
		.name = "unpack", .part = "unpacker", .count = 1, .vcpus = 1,
		.weight = SCHED_WEIGHT_DEFAULT, .kernel = unpacker,
		.modules = { &payload }, .module_count = 1,
		.memory_bytes = MIN(payload.bytes + content.bytes + ROOM, most) & PAGE_MASK,
	};
}

bool unpack_begin(const struct boot_module *unpacker,
		  void (*next)(const char *why))
{
	if (!first)
		return false;
	then = next;
	if (!room_take()) {
		then("there is not so much memory");
		return true;
	}
	configure(unpacker);
	build_plan(&config);
	domain_keep_shut(true);		/* until it is taken */
	if (!build_domain(&config, 0, 0))
		unpack_over();
	return true;
}

bool unpack_is(const struct domain_config *c)
{
	return c && c == &config;
}

/* UNPACK2: its last pages have the content. */
static void copy_out(struct domain *d)
{
	uint64_t begin = config.memory_bytes / PAGE_SIZE - content_pages();
	struct frame *f = NULL;

	while ((f = domain_page_after(d, f))) {
		mfn_t mfn = frame_to_mfn(f);
		uint64_t n = pfn_n(m2p_get(&d->m2p, mfn)) - begin;

		if (n < content_pages())
			memcpy((uint8_t *)maddr_to_virt(content.start) + n * PAGE_SIZE,
			       mfn_to_virt(mfn), PAGE_SIZE);
	}
}

void unpack_take(struct domain *d)
{
	done = domain_shutdown_code(d) == SHUTDOWN_poweroff;
	if (done)
		copy_out(d);
	domain_end(d);
}

void unpack_over(void)
{
	if (done) {
		first->kernel = &content;
		log_info("the first domain's kernel %s is unpacked: %lu MiB", content.name, content.bytes >> 20);
	}
	then(done ? NULL : "the lines above say why");
	room_give(0, content_pages());
}
