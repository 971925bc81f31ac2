/* SPDX-License-Identifier: MIT */
/* See configwrite.h. */
#include <port.h>

#include "io/bus.h"
#include "io/pciconf.h"
#include "pv/configwrite.h"
#include "pv/emulate.h"
#include "pv/ptcheck.h"
#include "pv/ptwrite.h"

/*
 * The function whose registers the guest's own tables show at va.  Entries for
 * devices are the first domain's only (IOFRAME3).
 */
static bool function_at(struct vcpu *v, uint64_t va, uint16_t *bdf)
{
	struct domain *d = v->domain;
	const pte_t *mapping;
	bool found;

	spin_lock(&d->mm);
	mapping = ptcheck_walk(d, v->kernel_l4, va);
	found = mapping && *mapping & PTE_P && *mapping & PTE_AVL_DEVICE &&
		bus_config_memory(pte_mfn(*mapping), bdf);
	spin_unlock(&d->mm);
	return found;
}

bool configwrite_fault(struct vcpu *v, uint64_t cr2, uint32_t error)
{
	unsigned int reg = cr2 & ~PAGE_MASK;
	struct store s;
	uint16_t bdf;

	if (!ptwrite_is_store(v, cr2, error) || !function_at(v, cr2, &bdf) ||
	    !ptwrite_fetch(v, &s))
		return false;
	if (s.op != STORE_MOV || s.width > 4 || reg % s.width)
		return false;	/* CFGW2 */
	pciconf_write(v->domain, bdf, reg, s.width,
		      (uint32_t)ptwrite_apply(&s, &v->regs, 0));
	emulate_advance(v, s.length);
	return true;
}
