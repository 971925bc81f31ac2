/* SPDX-License-Identifier: MIT */
/* Our grant table: entries given, taken back now or later. */
#include <gl/grant.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/timer.h>

#define PER_FRAME	(GL_PAGE_BYTES / sizeof(struct grant_entry_v1))
#define REFS_MAX	(GL_GRANT_FRAMES_MAX * PER_FRAME)
#define DEFERRED_MAX	128

struct deferred {
	grant_ref_t ref;
	void (*done)(void *data);	/* NULL: the slot is free */
	void *data;
};

static struct grant_entry_v1 *const table =
	(struct grant_entry_v1 *)GL_GRANT_VA;

static struct gl_lock lock;		/* for all below */
static uint32_t next_free[REFS_MAX];	/* of a free entry: the next one */
static uint32_t first_free;		/* 0: none */
static struct deferred deferred[DEFERRED_MAX];

static long frames_map(const xen_pfn_t *mfns, unsigned int frames)
{
	long rc = 0;

	for (unsigned int i = 0; i < frames && !rc; i++)
		rc = gl_map_page(GL_GRANT_VA + i * GL_PAGE_BYTES, mfns[i],
				 GL_PTE_KERNEL);
	return rc;
}

long gl_grant_init(unsigned int frames)
{
	xen_pfn_t mfns[GL_GRANT_FRAMES_MAX];
	struct gnttab_set_version version = { 1 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF,
					    .nr_frames = frames };
	long rc;

	if (!frames || frames > GL_GRANT_FRAMES_MAX)
		return -XEN_EINVAL;
	/*
	 * The version is 1 from the start; the next call finds out whether the
	 * hypervisor has grants at all.
	 */
	(void)hypercall_grant_table_op(GNTTABOP_set_version, &version, 1);
	set_xen_guest_handle(setup.frame_list, mfns);
	rc = hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1);
	if (rc || setup.status)
		return rc ? rc : -XEN_ENOSPC;
	rc = frames_map(mfns, frames);
	if (rc)
		return rc;
	for (uint32_t i = GL_GRANT_FIRST; i + 1 < frames * PER_FRAME; i++)
		next_free[i] = i + 1;
	first_free = GL_GRANT_FIRST;
	return 0;
}

static uint32_t ref_take(void)
{
	bool on = gl_lock(&lock);
	uint32_t ref = first_free;

	if (ref)
		first_free = next_free[ref];
	gl_unlock(&lock, on);
	return ref;
}

static void ref_free(uint32_t ref)
{
	bool on = gl_lock(&lock);

	next_free[ref] = first_free;
	first_free = ref;
	gl_unlock(&lock, on);
}

long gl_grant_page(domid_t to, uint64_t va, bool readonly)
{
	uint32_t ref = ref_take();

	if (!ref)
		return -XEN_ENOSPC;
	table[ref].domid = to;
	table[ref].frame = (uint32_t)gl_virt_to_mfn(va);
	/* The other side may look as soon as the flags are there. */
	__atomic_store_n(&table[ref].flags, (uint16_t)(GTF_permit_access |
			 (readonly ? GTF_readonly : 0)), __ATOMIC_SEQ_CST);
	return ref;
}

bool gl_grant_in_use(grant_ref_t ref)
{
	return __atomic_load_n(&table[ref].flags, __ATOMIC_SEQ_CST) &
	       (GTF_reading | GTF_writing);
}

static bool entry_clear(grant_ref_t ref)
{
	uint16_t flags = __atomic_load_n(&table[ref].flags, __ATOMIC_SEQ_CST);

	do {
		if (flags & (GTF_reading | GTF_writing))
			return false;
	} while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, 0,
					      false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	return true;
}

long gl_grant_end(grant_ref_t ref)
{
	if (!entry_clear(ref))
		return -XEN_EBUSY;
	ref_free(ref);
	return 0;
}

static struct deferred *slot_take(grant_ref_t ref, void (*done)(void *data),
				  void *data)
{
	bool on = gl_lock(&lock);
	struct deferred *d = deferred;

	while (d < deferred + DEFERRED_MAX && d->done)
		d++;
	if (d < deferred + DEFERRED_MAX)
		*d = (struct deferred){ ref, done, data };
	gl_unlock(&lock, on);
	return d < deferred + DEFERRED_MAX ? d : NULL;
}

long gl_grant_end_deferred(grant_ref_t ref, void (*done)(void *data),
			   void *data)
{
	if (!gl_grant_end(ref)) {
		done(data);
		return 0;
	}
	if (!slot_take(ref, done, data))
		return -XEN_ENOMEM;
	return gl_timer_set(gl_now_ns() + GL_UNMAP_RETRY_NS, gl_grant_retry);
}

/* Empties the slot before it calls done(), so that done() is called once. */
static bool slot_retry(struct deferred *d)
{
	bool on = gl_lock(&lock);
	struct deferred was = *d;
	bool over = was.done && entry_clear(was.ref);

	if (over)
		d->done = NULL;
	gl_unlock(&lock, on);
	if (over) {
		ref_free(was.ref);
		was.done(was.data);
	}
	return was.done && !over;
}

bool gl_grant_retry_ends(void)
{
	bool waits = false;

	for (unsigned int i = 0; i < DEFERRED_MAX; i++)
		waits |= slot_retry(&deferred[i]);
	return waits;
}
