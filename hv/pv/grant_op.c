/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: decode, chunk by chunk.
 *
 * A chunk of operations is read once, done, and its results written back; then
 * the clock is looked at.  Continuation: pointer and count are advanced past
 * the finished chunk, so each operation is done and answered once (PR6); a
 * guest that changes them meanwhile makes another call, no more.
 *
 * A chunk may break as many shares as it has operations (pv/ptbreak.c); all
 * entries of these pages are found and changed before the next chunk begins.
 */
#include <port.h>
#include <errno.h>

#include "dom/sched.h"
#include "pv/grant.h"
#include "pv/hypercall.h"
#include "pv/pending.h"
#include "x86/guestcopy.h"

#define OP_BYTES_MAX	sizeof(struct gnttab_copy)

/*
 * A rename for each operation of a chunk, and for the pages of a multicall to
 * which results were written before.
 */
_Static_assert(RENAMES_MAX >= GRANT_CHUNK + 8, "room for each page of a chunk");

/* --- arrays of operations --- */

struct batch_op {
	grant_chunk_fn fn;
	uint32_t bytes;
};

static const struct batch_op batch_ops[] = {
	[GNTTABOP_map_grant_ref] = {
		grant_chunk_map, sizeof(struct gnttab_map_grant_ref) },
	[GNTTABOP_unmap_grant_ref] = {
		grant_chunk_unmap, sizeof(struct gnttab_unmap_grant_ref) },
	[GNTTABOP_unmap_and_replace] = {
		grant_chunk_replace, sizeof(struct gnttab_unmap_and_replace) },
	[GNTTABOP_copy] = { grant_chunk_copy, sizeof(struct gnttab_copy) },
	[GNTTABOP_transfer] = {
		grant_chunk_transfer, sizeof(struct gnttab_transfer) },
};
_Static_assert(sizeof(struct gnttab_map_grant_ref) <= OP_BYTES_MAX &&
	       sizeof(struct gnttab_unmap_and_replace) <= OP_BYTES_MAX &&
	       sizeof(struct gnttab_transfer) <= OP_BYTES_MAX, "fits");

static long batch(struct hypercall_args *args, const struct batch_op *op)
{
	struct domain *d = current_vcpu()->domain;
	uint64_t ops[GRANT_CHUNK * OP_BYTES_MAX / sizeof(uint64_t)];
	uint64_t count = (uint32_t)args->a[2];

	if (!guest_arg_ok(args->a[1], count * op->bytes))
		return -EFAULT;
	while (count) {
		unsigned int n = MIN(count, GRANT_CHUNK);

		if (copy_from_guest(ops, args->a[1], n * op->bytes))
			return -EFAULT;
		if (op->fn(d, ops, n) == MORE)
			return -ERESTART;
		/*
		 * The guest made its array unwritable: what was done stays
		 * done.
		 */
		if (copy_to_guest(args->a[1], ops, n * op->bytes))
			return -EFAULT;
		count -= n;
		args->a[1] += n * op->bytes;
		args->a[2] = count;
		if (count && hypercall_must_stop(d))
			return -ERESTART;
	}
	return 0;
}

struct domain *grant_peer_find(struct grant_peer *p, domid_t id)
{
	if (p->d && p->d->id == id)
		return p->d;
	grant_peer_done(p);
	p->d = domain_find(id);
	return p->d;
}

void grant_peer_done(struct grant_peer *p)
{
	if (p->d)
		domain_put(p->d);
	p->d = NULL;
}

/* --- questions and settings: one operation a call --- */

/* A domain may ask this only about itself.  GNTST_okay or why not. */
static int16_t self_only(const struct domain *d, domid_t id)
{
	struct grant_peer p = { NULL };
	bool there;

	if (id == DOMID_SELF || id == d->id)
		return GNTST_okay;
	there = grant_peer_find(&p, id);
	grant_peer_done(&p);
	return there ? GNTST_permission_denied : GNTST_bad_domain;
}

/* Frame numbers of `pages` for the guest. */
static int frames_tell(uint64_t list, void *const *pages, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		xen_pfn_t mfn = mfn_n(virt_to_mfn(pages[i]));

		if (copy_to_guest(list + i * sizeof(mfn), &mfn, sizeof(mfn)))
			return -EFAULT;
	}
	return 0;
}

static long setup_table(struct domain *d, uint64_t va)
{
	struct gnttab_setup_table op;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	op.status = self_only(d, op.dom);
	if (!op.status)
		op.status = grant_grow(d, op.nr_frames);
	if (op.status == GNTST_eagain)
		return -ERESTART;	/* the same call goes on growing */
	if (!op.status && frames_tell((uintptr_t)op.frame_list.p,
				      d->grant->frames, op.nr_frames))
		op.status = GNTST_bad_virt_addr;
	return copy_to_guest(va, &op, sizeof(op));
}

static long query_size(struct domain *d, uint64_t va)
{
	struct gnttab_query_size op;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	op.status = self_only(d, op.dom);
	if (!op.status) {
		op.nr_frames = atomic_load_relaxed(&d->grant->frame_count);
		op.max_nr_frames = d->grant->frames_most;
	}
	return copy_to_guest(va, &op, sizeof(op));
}

static long set_version(struct domain *d, uint64_t va)
{
	struct gnttab_set_version op;
	long r;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	r = grant_set_version(d, op.version);
	op.version = READ_ONCE(d->grant->version);
	return copy_to_guest(va, &op, sizeof(op)) ? -EFAULT : r;
}

static long get_version(struct domain *d, uint64_t va)
{
	struct gnttab_get_version op;
	int16_t status;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	status = self_only(d, op.dom);
	if (status)
		return status == GNTST_bad_domain ? -ESRCH : -EPERM;
	op.version = READ_ONCE(d->grant->version);
	return copy_to_guest(va, &op, sizeof(op));
}

static long get_status_frames(struct domain *d, uint64_t va)
{
	struct grant_table *gt = d->grant;
	struct gnttab_get_status_frames op;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	op.status = self_only(d, op.dom);
	/* GT11 */
	if (!op.status && (READ_ONCE(gt->version) != 2 ||
			   op.nr_frames > atomic_load_acquire(&gt->status_count)))
		op.status = GNTST_general_error;
	if (!op.status && frames_tell((uintptr_t)op.frame_list.p,
				      (void *const *)gt->status, op.nr_frames))
		op.status = GNTST_bad_virt_addr;
	return copy_to_guest(va, &op, sizeof(op));
}

static long swap(struct domain *d, uint64_t va)
{
	struct gnttab_swap_grant_ref op;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	op.status = grant_swap(d, op.ref_a, op.ref_b);
	return copy_to_guest(va, &op, sizeof(op));
}

/*
 * For domains that drive devices which do not see the CPU's caches: here there
 * are none.
 */
static long cache_flush(struct domain *d, uint64_t va)
{
	struct gnttab_cache_flush op;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	if (op.offset >= PAGE_SIZE || op.offset + op.length > PAGE_SIZE ||
	    (op.op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL |
		       GNTTAB_CACHE_SOURCE_GREF)))
		return -EINVAL;
	return -EPERM;
}

typedef long (*one_fn)(struct domain *d, uint64_t va);

static const one_fn one_ops[] = {
	[GNTTABOP_setup_table] = setup_table,
	[GNTTABOP_query_size] = query_size,
	[GNTTABOP_set_version] = set_version,
	[GNTTABOP_get_status_frames] = get_status_frames,
	[GNTTABOP_get_version] = get_version,
	[GNTTABOP_swap_grant_ref] = swap,
	[GNTTABOP_cache_flush] = cache_flush,
};

long op_grant_table(struct hypercall_args *args)
{
	uint32_t cmd = args->a[0];
	int32_t count = args->a[2];

	if (count < 0)
		return -EINVAL;		/* GT15 */
	if (cmd < ARRAY_COUNT(batch_ops) && batch_ops[cmd].fn)
		return batch(args, &batch_ops[cmd]);
	if (cmd >= ARRAY_COUNT(one_ops) || !one_ops[cmd])
		return -ENOSYS;		/* dump_table, too */
	if (count != 1)
		return -EINVAL;
	return one_ops[cmd](current_vcpu()->domain, args->a[1]);
}
