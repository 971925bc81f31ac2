/* SPDX-License-Identifier: MIT */
/*
 * physdev_op on devices: the first domain tells of PCI functions, and has their
 * messages become interrupts (io/pirq.h).  Xen's numbers and errors.
 *
 * There are no further PCI segments, and no device is another domain's.
 */
#include <errno.h>
#include <port.h>
#include <xen/physdev.h>

#include "dom/evtchn.h"
#include "dom/privilege.h"
#include "io/ioapic.h"
#include "io/pci.h"
#include "io/pirq.h"
#include "pv/physdev.h"
#include "x86/guestcopy.h"

static uint16_t bdf_of(uint32_t bus, uint32_t devfn)
{
	return (bus & 0xff) << 8 | (devfn & 0xff);
}

/* --- functions --- */

static long function_add(uint16_t segment, uint16_t bdf)
{
	const struct pci_function *f = NULL;

	if (!segment) {
		spin_lock(&bus_lock);
		f = pci_add(bdf);
		spin_unlock(&bus_lock);
	}
	return f ? 0 : -ENODEV;
}

/* Its entry stays, for the next function at that place. */
static long function_remove(struct domain *d, uint16_t segment, uint16_t bdf)
{
	return segment ? -ENODEV : pirq_remove(d, bdf);
}

static long old_add(uint64_t va)
{
	struct physdev_manage_pci m;

	if (copy_from_guest(&m, va, sizeof(m)))
		return -EFAULT;
	return function_add(0, bdf_of(m.bus, m.devfn));
}

static long old_remove(struct domain *d, uint64_t va)
{
	struct physdev_manage_pci m;

	if (copy_from_guest(&m, va, sizeof(m)))
		return -EFAULT;
	return function_remove(d, 0, bdf_of(m.bus, m.devfn));
}

/* As much as has no optional part. */
static long device_add(uint64_t va)
{
	struct physdev_pci_device_add a;

	if (copy_from_guest(&a, va, offsetof(struct physdev_pci_device_add, optarr)))
		return -EFAULT;
	return function_add(a.seg, bdf_of(a.bus, a.devfn));
}

static long device_remove(struct domain *d, uint64_t va)
{
	struct physdev_pci_device p;

	if (copy_from_guest(&p, va, sizeof(p)))
		return -EFAULT;
	return function_remove(d, p.seg, bdf_of(p.bus, p.devfn));
}

static long restore(struct domain *d, uint64_t va)
{
	struct physdev_restore_msi r;

	if (copy_from_guest(&r, va, sizeof(r)))
		return -EFAULT;
	return pirq_restore(d, bdf_of(r.bus, r.devfn));
}

static long restore_ext(struct domain *d, uint64_t va)
{
	struct physdev_pci_device p;

	if (copy_from_guest(&p, va, sizeof(p)))
		return -EFAULT;
	return p.seg ? -ENODEV : pirq_restore(d, bdf_of(p.bus, p.devfn));
}

/* --- interrupts --- */

/* 0: d itself; -ESRCH; -EPERM: another, which has no device. */
static long owner_check(const struct domain *d, domid_t dom)
{
	struct domain *other;

	if (dom == DOMID_SELF || dom == d->id)
		return 0;
	other = domain_find(dom);
	if (!other)
		return -ESRCH;
	domain_put(other);
	return -EPERM;
}

/* What the call asks for; -EINVAL: it is no message. */
static long message_of(const struct physdev_map_pirq *map, struct pirq_message *m)
{
	bool many = map->type == MAP_PIRQ_TYPE_MULTI_MSI;

	if (map->type != MAP_PIRQ_TYPE_MSI && map->type != MAP_PIRQ_TYPE_MSI_SEG &&
	    !many)
		return -EINVAL;
	if (map->type != MAP_PIRQ_TYPE_MSI && (uint32_t)map->bus >> 16)
		return -ENODEV;
	/* A table's address tells MSI-X; where it is we read ourselves. */
	m->msix = map->table_base && !many;
	m->bdf = bdf_of((uint32_t)map->bus, (uint32_t)map->devfn);
	m->entry = m->msix ? (uint32_t)map->entry_nr : 0;
	m->count = many ? (uint32_t)map->entry_nr : 1;
	return map->entry_nr < 0 ? -EINVAL : 0;
}

static long map_line(struct domain *d, struct physdev_map_pirq *map)
{
	/* The number of the line is what the caller gets, or asks for. */
	if (map->pirq != -1 && map->pirq != map->index)
		return -EINVAL;
	map->pirq = map->index;
	return pirq_map_line(d, (uint32_t)map->index);
}

static long map_message(struct domain *d, struct physdev_map_pirq *map)
{
	struct pirq_message m;
	long r = message_of(map, &m);

	return r ? r : pirq_map(d, &m, &map->pirq);
}

static long map_pirq(struct domain *d, uint64_t va)
{
	struct physdev_map_pirq map;
	long r;

	if (copy_from_guest(&map, va, sizeof(map)))
		return -EFAULT;
	r = owner_check(d, map.domid);
	if (!r)
		r = map.type == MAP_PIRQ_TYPE_GSI ? map_line(d, &map) :
						    map_message(d, &map);
	/* As Xen says of a line that is mapped, and is to be. */
	if (r == -EEXIST && map.type == MAP_PIRQ_TYPE_GSI)
		r = 0;
	if (r)
		return r;
	if (!copy_to_guest(va, &map, sizeof(map)))
		return 0;
	/* Of a line the caller knows the number. */
	if (map.type != MAP_PIRQ_TYPE_GSI)
		(void)!pirq_unmap(d, (uint32_t)map.pirq);
	return -EFAULT;
}

static long unmap_pirq(struct domain *d, uint64_t va)
{
	struct physdev_unmap_pirq u;
	long r;

	if (copy_from_guest(&u, va, sizeof(u)))
		return -EFAULT;
	r = owner_check(d, u.domid);
	return r ? r : pirq_unmap(d, (uint32_t)u.pirq);
}

static long setup_gsi(struct domain *d, uint64_t va)
{
	struct physdev_setup_gsi g;

	if (copy_from_guest(&g, va, sizeof(g)))
		return -EFAULT;
	return g.gsi < 0 ? -EINVAL :
	       pirq_set_line(d, (uint32_t)g.gsi, g.triggering, g.polarity);
}

/* Of old, a vector for an IOAPIC's line; we keep those to ourselves, as Xen. */
static long alloc_vector(uint64_t va)
{
	struct physdev_irq q;

	if (copy_from_guest(&q, va, sizeof(q)))
		return -EFAULT;
	if (!ioapic_has(q.irq))
		return -EINVAL;
	q.vector = q.irq;
	return copy_to_guest(va, &q, sizeof(q));
}

static long apic_read(uint64_t va)
{
	struct physdev_apic a;
	bool known;

	if (copy_from_guest(&a, va, sizeof(a)))
		return -EFAULT;
	spin_lock(&bus_lock);
	known = ioapic_read(a.apic_physbase, a.reg, &a.value);
	spin_unlock(&bus_lock);
	return known ? copy_to_guest(va, &a, sizeof(a)) : -EINVAL;
}

static long eoi(struct domain *d, uint64_t va)
{
	struct physdev_eoi e;

	if (copy_from_guest(&e, va, sizeof(e)))
		return -EFAULT;
	if (e.irq >= PIRQS_MAX)
		return -EINVAL;
	pirq_eoi(d, e.irq);
	return 0;
}

static long status_query(uint64_t va)
{
	struct physdev_irq_status_query q;

	if (copy_from_guest(&q, va, sizeof(q)))
		return -EFAULT;
	if (q.irq >= PIRQS_MAX)
		return -EINVAL;
	q.flags = pirq_needs_eoi(q.irq) ? XENIRQSTAT_needs_eoi : 0; /* PIRQ2 */
	return copy_to_guest(va, &q, sizeof(q));
}

static long get_free_pirq(struct domain *d, uint64_t va)
{
	struct physdev_get_free_pirq g;
	int r;

	if (copy_from_guest(&g, va, sizeof(g)))
		return -EFAULT;
	if (g.type != MAP_PIRQ_TYPE_MSI)
		return -EINVAL;
	r = pirq_reserve(d);
	if (r < 0)
		return r;
	g.pirq = (uint32_t)r;
	if (!copy_to_guest(va, &g, sizeof(g)))
		return 0;
	(void)!pirq_unmap(d, g.pirq);
	return -EFAULT;
}

static long device_op(struct domain *d, uint32_t cmd, uint64_t va)
{
	switch (cmd) {
	case PHYSDEVOP_irq_status_query:
		return status_query(va);
	case PHYSDEVOP_eoi:
		return eoi(d, va);
	case PHYSDEVOP_setup_gsi:
		return setup_gsi(d, va);
	case PHYSDEVOP_alloc_irq_vector:
		return alloc_vector(va);
	case PHYSDEVOP_apic_read:
		return apic_read(va);
	case PHYSDEVOP_map_pirq:
		return map_pirq(d, va);
	case PHYSDEVOP_unmap_pirq:
		return unmap_pirq(d, va);
	case PHYSDEVOP_get_free_pirq:
		return get_free_pirq(d, va);
	case PHYSDEVOP_manage_pci_add:
	case PHYSDEVOP_manage_pci_add_ext:	/* begins alike */
		return old_add(va);
	case PHYSDEVOP_manage_pci_remove:
		return old_remove(d, va);
	case PHYSDEVOP_pci_device_add:
		return device_add(va);
	case PHYSDEVOP_pci_device_remove:
		return device_remove(d, va);
	case PHYSDEVOP_restore_msi:
		return restore(d, va);
	case PHYSDEVOP_restore_msi_ext:
		return restore_ext(d, va);
	default:
		return -ENOSYS;
	}
}

/* The numbers that Xen has, guests have none of them. */
static bool is_known(uint64_t cmd)
{
	return cmd >= PHYSDEVOP_irq_status_query && cmd <= PHYSDEVOP_release_msix &&
	       cmd != 22 && cmd != 18;
}

long physdev_device(uint64_t cmd, uint64_t va)
{
	struct domain *d = current_vcpu()->domain;
	int r;

	if (!is_known(cmd))
		return -ENOSYS;
	r = privilege_check(d, PRIV_PHYSDEV, (uint32_t)cmd);
	return r ? r : device_op(d, (uint32_t)cmd, va);
}
