/* SPDX-License-Identifier: MIT */
/*
 * Pages of other domains': the pool of addresses that they are mapped at, the
 * marks that tell whose they are, and the callbacks of the asynchronous unmap.
 */
#include <gl/console.h>
#include <gl/grant.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/string.h>
#include <gl/timer.h>

#define SLOTS		64	/* requests that may wait */
#define SLOT_BYTES	256

/* constant after init, like the next two */
static uint64_t base;
static unsigned int page_count;
static struct gl_page *pages;
static struct gl_lock lock;		/* for the next three */
/* for each free page: index + 1 of the next free one */
static uint32_t *free_next;
static uint32_t free_first;		/* index + 1; 0: none */
static struct {
	bool used;
	uint64_t bytes[SLOT_BYTES / 8];
} slots[SLOTS];

static struct gl_lock queue_lock;
static struct gl_unmap unmap;

/* --- callbacks --- */

static long op_unmap(void *ctx, struct gnttab_unmap_grant_ref *ops,
		     unsigned int count)
{
	return hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, ops, count);
}

static void op_unmapped(void *ctx, struct gl_page *p)
{
	gl_p2m_set(gl_virt_to_pfn(p->va), GL_NO_FRAME);
}

static void op_timer(void *ctx, uint64_t ns)
{
	if (gl_timer_set(gl_now_ns() + ns, gl_grant_retry))
		gl_panic("no timer for grants");
}

static void *op_alloc(void *ctx, size_t bytes)
{
	bool on = gl_lock(&lock);
	void *p = NULL;

	for (unsigned int i = 0; i < SLOTS && bytes <= SLOT_BYTES && !p; i++)
		if (!slots[i].used) {
			slots[i].used = true;
			p = slots[i].bytes;
		}
	gl_unlock(&lock, on);
	return p;
}

static void op_free(void *ctx, void *p, size_t bytes)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slots[i].bytes == p)
			__atomic_store_n(&slots[i].used, false,
					 __ATOMIC_RELEASE);
}

static unsigned long op_lock(void *ctx)
{
	return gl_lock(&queue_lock);
}

static void op_unlock(void *ctx, unsigned long state)
{
	gl_unlock(&queue_lock, state);
}

static const struct gl_unmap_ops ops = {
	.unmap = op_unmap,
	.unmapped = op_unmapped,
	.timer = op_timer,
	.alloc = op_alloc,
	.free = op_free,
	.lock = op_lock,
	.unlock = op_unlock,
};

/* --- the pool --- */

/*
 * One page for `pages` and `free_next`, and as many addresses without frames.
 */
long gl_foreign_init(unsigned int count)
{
	uint64_t records = gl_page_alloc();
	long rc = 0;

	base = gl_pages_alloc(count);
	if (!records || !base ||
	    count * (sizeof(*pages) + sizeof(*free_next)) > GL_PAGE_BYTES)
		return -XEN_ENOMEM;
	memset((void *)records, 0, GL_PAGE_BYTES);
	pages = (struct gl_page *)records;
	free_next = (uint32_t *)(pages + count);
	for (unsigned int i = 0; i < count && !rc; i++) {
		pages[i].va = base + i * GL_PAGE_BYTES;
		free_next[i] = i;
		rc = gl_frame_return(pages[i].va);
	}
	free_first = count;
	page_count = count;
	gl_unmap_init(&unmap, &ops, NULL);
	return rc;
}

struct gl_page *gl_foreign_alloc(void)
{
	bool on = gl_lock(&lock);
	struct gl_page *p = free_first ? &pages[free_first - 1] : NULL;

	if (p) {
		free_first = free_next[p - pages];
		p->refs = 1;
	}
	gl_unlock(&lock, on);
	return p;
}

void gl_foreign_free(struct gl_page *p)
{
	bool on = gl_lock(&lock);

	if (p->flags & GL_PG_FOREIGN)
		gl_panic("a foreign page is freed that is still mapped");
	free_next[p - pages] = free_first;
	free_first = (uint32_t)(p - pages) + 1;
	gl_unlock(&lock, on);
}

/* --- map and unmap --- */

long gl_foreign_map(struct gl_page *p, domid_t domid, grant_ref_t ref,
		    bool readonly)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = p->va, .ref = ref, .dom = domid,
		.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
	};
	long rc = hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);

	if (rc || op.status)
		return rc ? rc : op.status;
	gl_p2m_set(gl_virt_to_pfn(p->va), op.dev_bus_addr >> GL_PAGE_SHIFT |
		   GL_P2M_FOREIGN);
	gl_page_set_foreign(p, domid, ref, op.handle);
	return 0;
}

struct gnttab_unmap_grant_ref gl_foreign_unmap_op(const struct gl_page *p)
{
	return (struct gnttab_unmap_grant_ref){
		.host_addr = p->va, .handle = p->handle,
	};
}

long gl_foreign_unmap(struct gl_page *p)
{
	struct gnttab_unmap_grant_ref op = gl_foreign_unmap_op(p);
	uint32_t one = 1;
	long rc;

	if (!__atomic_compare_exchange_n(&p->refs, &one, 0, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return -XEN_EBUSY;
	rc = op_unmap(NULL, &op, 1);
	if (!rc && !op.status) {
		gl_page_clear_foreign(p);
		op_unmapped(NULL, p);
	}
	__atomic_store_n(&p->refs, 1, __ATOMIC_SEQ_CST);
	return rc ? rc : op.status;
}

int gnttab_unmap_refs_async(struct gnttab_unmap_grant_ref *unmap_ops,
			    struct gnttab_unmap_grant_ref *kunmap_ops,
			    struct gl_page **which, unsigned int count,
			    void (*done)(void *data), void *data)
{
	return gl_unmap_refs_async(&unmap, unmap_ops, kunmap_ops, which, count,
				   done, data);
}

void gl_grant_retry(void)
{
	if (page_count)
		gl_unmap_retry(&unmap);
	if (gl_grant_retry_ends())
		op_timer(NULL, GL_UNMAP_RETRY_NS);
}

void gl_grant_stop(void)
{
	if (page_count)
		gl_unmap_stop(&unmap);
}

const struct gl_unmap_counters *gl_grant_unmap_counters(void)
{
	return &unmap.counters;
}

/* --- whose is it? --- */

struct gl_page *gl_foreign_page(uint64_t va)
{
	uint64_t i = (va - base) / GL_PAGE_BYTES;

	return va >= base && i < page_count ? &pages[i] : NULL;
}

bool gl_foreign_whose(uint64_t va, domid_t *domid, grant_ref_t *ref)
{
	const struct gl_page *p = gl_foreign_page(va);

	if (!p || !(p->flags & GL_PG_FOREIGN) ||
	    !gl_pfn_is_foreign(gl_virt_to_pfn(va)))
		return false;
	*domid = gl_page_domid(p);
	*ref = gl_page_gref(p);
	return true;
}
