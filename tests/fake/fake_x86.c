/* SPDX-License-Identifier: MIT */
/* See fake_x86.h; also the few neighbours of vcpu.c that fake_dom.c lacks. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "dom/above.h"
#include "fake/fake_dom.h"
#include "fake/fake_x86.h"
#include "mm/palloc.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

struct fake_x86 fake_x86;
maddr_t cpu_idle_cr3 = MADDR(0x1000);

void fake_x86_reset(void)
{
	memset(&fake_x86, 0, sizeof(fake_x86));
	this_cpu()->gdt_page_mfn = MFN(7);
}

void gdt_load(uint64_t base_va) { fake_x86.gdt = base_va; }
void gdt_load_idle(void) { fake_x86.gdt = 0; }
void gdt_set_ldt(uint64_t base_va, unsigned int entries) { fake_x86.ldt = base_va; }
void gdt_set_rsp0(void *rsp0) { fake_x86.rsp0 = rsp0; }
void tlb_load_cr3(maddr_t cr3) { fake_x86.cr3 = maddr_n(cr3); }

/*
 * Before the CPU is one of the domain's, and after: who links a slot sees it.
 */
void guestcopy_slots(uint64_t *const *slots)
{
	fake_x86.slots = slots;
	fake_x86.looking = false;
	if (slots)
		ck_assert(!(domain_cpus(container_of(slots, struct domain, l4_linked)) &
			    1UL << this_cpu()->id));
}

void guestcopy_look(uint64_t cpus)
{
	ck_assert_uint_eq(cpus, 1UL << this_cpu()->id);
	ck_assert(domain_cpus(container_of(fake_x86.slots, struct domain, l4_linked)) & cpus);
	fake_x86.looking = true;
}

void segs_save(struct guest_segs *s) { *s = fake_x86.segs; }
bool segs_load(const struct guest_segs *s)
{
	fake_x86.segs = *s;
	return !fake_x86.refuse_segs;
}
uint64_t segs_read_gs_base(void) { return fake_x86.gs; }
void segs_write_gs_base(uint64_t base) { fake_x86.gs = base; }

void fpu_save(void *state512) { fake_x86.saved_with_ts |= fake_x86.ts; }
void fpu_load(const void *state512) { fake_x86.saved_with_ts |= fake_x86.ts; }
void fpu_init_state(void *state512) { memset(state512, 0, FPU_STATE_BYTES); }
void fpu_set_ts(bool on) { fake_x86.ts = on; }

void debugreg_write(unsigned int nr, uint64_t value) { fake_x86.dr[nr] = value; }
uint64_t debugreg_read(unsigned int nr) { return fake_x86.dr[nr]; }

void cpu_cr4_set_guest(uint64_t bits) { fake_x86.cr4 = bits; }
void cpu_forget_all(void) { fake_x86.forgot = fake_x86.cr3; }

pte_t *m2p_perdom_pte(struct m2p_view *view, unsigned int index)
{
	return fake_x86.no_perdom ? NULL : &fake_x86.perdom[index];
}

void *palloc_hv(unsigned int order)
{
	void *p;

	if (fake.alloc_fail_at && --fake.alloc_fail_at == 0)
		return NULL;
	p = aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);
	memset(p, 0, PAGE_SIZE << order);
	fake.allocs++;
	return p;
}

void palloc_hv_free(void *virt, unsigned int order)
{
	fake.allocs--;
	free(virt);
}

int resolve_area(struct domain *d, mfn_t mfn, struct frame **frame)
{
	if (!fake.area)
		return -EPERM;
	*frame = fake.area;
	return 0;
}

void resolve_area_put(struct domain *d, struct frame *f)
{
	fake.area_puts++;
}
