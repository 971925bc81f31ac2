/* SPDX-License-Identifier: MIT */
/*
 * Operations.  `prepare` writes the arguments into the guest's own memory and
 * s->args, before anything runs; `run` is what the schedules interleave.
 */
#ifndef TESTS_SIM_OPS_H
#define TESTS_SIM_OPS_H

#include <string.h>

#include "sim/state.h"

/*
 * Who the two CPUs run: either will do, or one only.  OP_FIRST: either, but
 * there are no two first domains.
 */
enum op_where { OP_ANYWHERE, OP_TWO_DOMAINS, OP_ONE_DOMAIN, OP_FIRST };

struct op {
	const char *name;
	void (*prepare)(struct side *s);
	long (*run)(struct side *s);
	/* alone, before the verdict; NULL: nothing */
	void (*finish)(struct side *s);
	enum op_where where;
};



/* Of the side at hand: where a call's arguments are. */
static inline void *args_of(struct side *s)
{
	return fake_page(s->d, page + s->args_page);
}

static inline uint64_t args_va(const struct side *s)
{
	return fake_va(page + s->args_page);
}

/* A call whose first argument is a number, and the second one a structure. */
static inline void call_with(struct side *s, unsigned int cmd, const void *arg, size_t bytes)
{
	memcpy(args_of(s), arg, bytes);
	s->args = (struct hypercall_args){ .a = { cmd, args_va(s), 1 } };
}

/* An entry of a memory map (XENMEM_memory_map), as the ABI has it. */
struct op_map_entry {
	uint64_t start, bytes;
	uint32_t type;
} __attribute__((packed));

#define OP_MAP_AT	256u	/* in the arguments' page */

static inline struct op_map_entry *op_map_entries(struct side *s)
{
	return (void *)((uint8_t *)args_of(s) + OP_MAP_AT);
}

/* --- ops_vcpu.c --- */
void op_break_first(struct side *s);
long op_run_store_both(struct side *s);
long op_run_store_both_once(struct side *s);
long op_run_store_twice(struct side *s);
long op_run_store_second(struct side *s);
long op_run_store_alone(struct side *s);
long op_run_load_twice(struct side *s);
long op_run_names_twice(struct side *s);
void op_old_table(struct side *s);
void op_pin_parts(struct side *s);
void op_pin_old_parts(struct side *s);
void op_initialise(struct side *s);
void op_initialise_refused(struct side *s);
void op_initialise_gdt(struct side *s);
void op_up(struct side *s);
void op_up_early(struct side *s);
void op_down(struct side *s);
void op_down_itself(struct side *s);
void op_is_up(struct side *s);
void op_send_nmi(struct side *s);
void op_register_info(struct side *s);
long op_run_vcpu(struct side *s);

long op_run_up(struct side *s);

/* --- ops_first.c --- */
struct xen_domctl;
void op_foreign_map(struct side *s);
void op_foreign_map_ro(struct side *s);
void op_foreign_map_table(struct side *s);
void op_foreign_map_shared(struct side *s);
void op_foreign_unmap(struct side *s);
void op_foreign_name(struct side *s);
long op_run_foreign(struct side *s);
void op_foreign_pin(struct side *s);
void op_foreign_unpin(struct side *s);
void op_foreign_clear(struct side *s);
long op_run_foreign_ext(struct side *s);
void op_foreign_populate(struct side *s);
void op_foreign_give(struct side *s);
void op_foreign_grants(struct side *s);
void op_foreign_set_map(struct side *s);
long op_run_foreign_memory(struct side *s);
void op_create(struct side *s);
void op_create_end(struct side *s);
void op_max_mem(struct side *s);
void op_max_mem_more(struct side *s);
void op_domain_info(struct side *s);
void op_set_context(struct side *s);
struct xen_domctl *op_domctl_other(struct side *s, uint32_t cmd);
long op_run_domctl(struct side *s);
void op_get_context(struct side *s);
void op_trigger(struct side *s);
void op_pause(struct side *s);
long op_run_pause(struct side *s);
void op_destroy(struct side *s);
long op_run_destroy(struct side *s);
void op_label(struct side *s);
long op_run_label(struct side *s);
void op_shut(struct side *s);
long op_run_shut(struct side *s);
void op_reap_other(struct side *s);
void op_reap(struct side *s);

/* --- others.c: results that no serial order gives, and are right. --- */
bool op_ends_other(const char *name);
/*
 * A store is two steps, its fault, in which the share is broken, and itself,
 * made again: another vCPU may take the entry away between.
 */
bool op_is_late_store(const char *store, const char *unmap, long result);
bool op_end_is_known(const char *a, const char *b, bool one_domain,
		     const long result[2]);

/* --- ops_grant.c --- */
extern const struct op ops_grant[];
extern const unsigned int ops_grant_count;

/* --- ops_calls.c --- */
extern const struct op ops_calls[];
extern const unsigned int ops_calls_count;

/* --- ops_timer.c --- */
extern const struct op ops_timer[];
extern const unsigned int ops_timer_count;

/* --- ops_sched.c --- */
extern const struct op ops_sched[];
extern const unsigned int ops_sched_count;

/* --- ops_domctl.c --- */
extern const struct op ops_domctl[];
extern const unsigned int ops_domctl_count;

/* --- ops_audit.c --- */
extern const struct op ops_audit[];
extern const unsigned int ops_audit_count;

/* --- ops_device.c --- */
extern const struct op ops_device[];
extern const unsigned int ops_device_count;

/* --- ops.c: all of them. --- */
void op_nothing(struct side *s);
/* What is prepared, as HYPERVISOR_event_channel_op and _memory_op. */
long op_run_event(struct side *s);
long op_run_memory(struct side *s);
void op_end_of_last(struct side *s);
unsigned int op_count(void);
const struct op *op_at(unsigned int i);

#endif
