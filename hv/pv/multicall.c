/* SPDX-License-Identifier: MIT */
/*
 * multicall: many hypercalls in one.
 *
 * M1  Each entry is read once, whole; only its result is written back, and,
 *     when the inner call has to be continued, its remaining arguments, or when
 *     it was, those without a mark (again.h).
 * M2  An error of one entry does not stop the others; an iret does, and so does
 *     the end of the domain.
 * M3  Every return of -ERESTART leaves the arguments so that the same call goes
 *     on where it stopped, with no entry done twice; at least one entry is
 *     tried each time.
 * M4  A multicall inside a multicall gets -EINVAL.
 * M5  No entry begins while a share is broken in part (pv/ptbreak.c, K2): a
 *     result may have been written to a shared page.
 */
#include <errno.h>
#include <port.h>

#include "dom/sched.h"
#include "pv/hypercall.h"
#include "pv/pending.h"
#include "x86/guestcopy.h"

/* What comes after an entry. */
enum after { GO_ON, STOP, RESTART };

static long call_entry(const struct multicall_entry *e,
		       struct hypercall_args *inner)
{
	memcpy(inner->a, e->args, sizeof(inner->a));
	inner->regs = REGS_KEPT;
	if (e->op == __HYPERVISOR_multicall)
		return -EINVAL;		/* M4 */
	return hypercall_dispatch(e->op, inner);
}

static enum after answer(uint64_t va, long result, long *rc)
{
	if (!copy_word_to_guest(va + offsetof(struct multicall_entry, result), result))
		return GO_ON;
	*rc = -EFAULT;
	return STOP;
}

/* After an iret, or where the entry's arguments are new (M1). */
static __attribute__((noinline))
enum after go_on_or_end(uint64_t va, struct hypercall_args *args,
			const struct hypercall_args *inner, long result, long *rc)
{
	if (inner->regs == REGS_NEW) {	/* other page tables may be loaded */
		args->regs = REGS_NEW;
		return STOP;
	}
	if (copy_to_guest(va + offsetof(struct multicall_entry, args),
			  inner->a, sizeof(inner->a))) {
		*rc = -EFAULT;
		return STOP;
	}
	return result == -ERESTART ? RESTART : answer(va, result, rc);
}

static enum after do_entry(uint64_t va, struct hypercall_args *args, long *rc)
{
	struct multicall_entry e;
	struct hypercall_args inner;
	long result;

	if (copy_from_guest(&e, va, sizeof(e))) {
		*rc = -EFAULT;
		return STOP;
	}
	result = call_entry(&e, &inner);
	if (unlikely(inner.regs != REGS_KEPT || result == -ERESTART))
		return go_on_or_end(va, args, &inner, result, rc);
	return answer(va, result, rc);
}

long op_multicall(struct hypercall_args *args)
{
	const struct domain *d = current_vcpu()->domain;
	uint64_t va = args->a[0], count = (uint32_t)args->a[1], done;
	enum after after = GO_ON;
	long rc = 0;

	if (!guest_arg_ok(va, count * sizeof(struct multicall_entry)))
		return -EFAULT;
	for (done = 0; done < count; done++) {
		if (done && hypercall_must_stop(d))
			after = RESTART;
		else
			after = do_entry(va + done * sizeof(struct multicall_entry),
					    args, &rc);
		if (after != GO_ON || READ_ONCE(d->state) != DOM_RUNNING)
			break;
	}
	if (after != RESTART)
		return rc;
	args->a[0] = va + done * sizeof(struct multicall_entry);
	args->a[1] = count - done;
	return -ERESTART;
}
