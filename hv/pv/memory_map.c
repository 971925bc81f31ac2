/* SPDX-License-Identifier: MIT */
/*
 * A domain's pseudo-physical memory as it is told of it (XENMEM_memory_map):
 * the map that the first domain set, or one range of RAM for a domain of the
 * list; and claims, by which tools ask early whether memory is there.
 *
 * MAP1  A map is bounded, and is kept as it came: what it says is for the guest
 *       alone.
 * MAP2  Who reads one that is set anew meanwhile reads the new one, from its
 *       start: not the beginning of one and the end of another.
 */
#include <port.h>
#include <errno.h>

#include <xen/memory.h>

#include "dom/privilege.h"
#include "dom/promise.h"
#include "mm/firmware.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "pv/memory.h"
#include "x86/guestcopy.h"

#define ENTRIES_MOST	128	/* MAP1 */
#define TYPE_RAM	1

struct map_entry {
	uint64_t start, bytes;
	uint32_t type;
} __attribute__((packed));

struct memory_map {
	uint64_t number;	/* no other one has it; MAP2 */
	uint32_t count;
	struct map_entry entry[];
};

static uint64_t maps_made;	/* atomic */

static size_t map_bytes(uint32_t count)
{
	return sizeof(struct memory_map) + count * sizeof(struct map_entry);
}

void memory_map_free(struct domain *d)
{
	if (d->map)
		obj_free(d->map, map_bytes(d->map->count));
	d->map = NULL;
}

/* --- what a guest reads --- */

/* Entry number i of d's, and of which map; false: there are not so many. */
static bool entry_of(struct domain *d, uint32_t i, struct map_entry *e, uint64_t *number)
{
	bool there;

	spin_lock(&d->lock);
	*number = d->map ? d->map->number : 0;
	if (d->map) {
		there = i < d->map->count;
		if (there)
			*e = d->map->entry[i];
	} else {
		there = i == 0 && !d->setup.made;
		*e = (struct map_entry){
			.bytes = READ_ONCE(d->pages.limit) << PAGE_SHIFT,
			.type = TYPE_RAM,
		};
	}
	spin_unlock(&d->lock);
	return there;
}

long memory_map_get(uint64_t va)
{
	struct domain *d = current_vcpu()->domain;
	struct xen_memory_map map;
	uint64_t number, now;
	struct map_entry e;
	uint32_t i;

	if (!entry_of(d, 0, &e, &number))
		return -ENOSYS;
	if (copy_from_guest(&map, va, sizeof(map)))
		return -EFAULT;
	if (map.nr_entries < 1)
		return -EINVAL;
	for (i = 0; i < map.nr_entries && entry_of(d, i, &e, &now); i++)
		if (copy_to_guest((uintptr_t)map.buffer.p + i * sizeof(e), &e,
				  sizeof(e)))
			return -EFAULT;
	if (now != number)
		return -ERESTART;
	map.nr_entries = i;
	return copy_to_guest(va, &map, sizeof(map)) ? -EFAULT : 0;
}

long memory_map_machine(uint64_t va)
{
	struct xen_memory_map map;
	struct map_entry e;
	uint32_t i;

	if (copy_from_guest(&map, va, sizeof(map)))
		return -EFAULT;
	if (map.nr_entries < 1)
		return -EINVAL;
	for (i = 0; i < map.nr_entries && i < firmware_range_count; i++) {
		const struct firmware_range *r = &firmware_ranges[i];

		e = (struct map_entry){ r->start, r->bytes, r->type };
		if (copy_to_guest((uintptr_t)map.buffer.p + i * sizeof(e), &e,
				  sizeof(e)))
			return -EFAULT;
	}
	map.nr_entries = i;
	return copy_to_guest(va, &map, sizeof(map)) ? -EFAULT : 0;
}

/* --- what the first domain sets --- */

static int map_copy(const struct xen_memory_map *from, struct memory_map **out)
{
	size_t bytes = from->nr_entries * sizeof(struct map_entry);
	struct memory_map *map;

	if (from->nr_entries > ENTRIES_MOST)
		return -EINVAL;
	map = obj_alloc(map_bytes(from->nr_entries));
	if (!map)
		return -ENOMEM;
	map->count = from->nr_entries;
	map->number = atomic_fetch_add(&maps_made, 1) + 1;
	*out = map;
	if (!bytes || !copy_from_guest(map->entry, (uintptr_t)from->buffer.p, bytes))
		return 0;
	obj_free(map, map_bytes(map->count));
	return -EFAULT;
}

long memory_map_set(uint64_t va)
{
	struct xen_foreign_memory_map in;
	struct memory_map *map, *old;
	struct domain *d;
	int r;

	if (copy_from_guest(&in, va, sizeof(in)))
		return -EFAULT;
	r = privilege_check(current_vcpu()->domain, PRIV_MEMORY,
			    XENMEM_set_memory_map) ? -EPERM :
	    memory_domain(in.domid, XENMEM_set_memory_map, &d);
	if (r)
		return r;
	r = map_copy(&in.map, &map);
	if (!r) {
		spin_lock(&d->lock);
		old = d->map;
		d->map = map;
		spin_unlock(&d->lock);
		if (old)
			obj_free(old, map_bytes(old->count));
	}
	domain_put(d);
	return r;
}

/* --- claims --- */

uint64_t memory_map_claimed(const struct domain *d)
{
	uint64_t total = READ_ONCE(d->pages.total);
	uint64_t claim = READ_ONCE(d->setup.claim);

	return claim > total ? claim - total : 0;
}

/*
 * `pages` beyond those that it has; 0: the claim is over.  Where no memory is
 * promised twice, all that a domain may have is there: there is nothing to set
 * aside.
 */
static int claim(struct domain *d, uint64_t pages)
{
	uint64_t total = READ_ONCE(d->pages.total);
	int r = 0;

	spin_lock(&d->lock);
	if (pages && memory_map_claimed(d))
		r = -EINVAL;
	else if (pages && (pages > d->pages.limit || total > d->pages.limit - pages))
		r = -EINVAL;
	else if (domain_overcommit() && pages > palloc_free_count())
		r = -ENOMEM;
	else
		WRITE_ONCE(d->setup.claim, pages ? total + pages : 0);
	spin_unlock(&d->lock);
	return r;
}

long memory_map_claim(uint64_t va)
{
	struct xen_memory_reservation in;
	struct domain *d;
	int r;

	if (privilege_check(current_vcpu()->domain, PRIV_MEMORY, XENMEM_claim_pages))
		return -EPERM;
	if (copy_from_guest(&in, va, sizeof(in)))
		return -EFAULT;
	if (in.extent_start.p || in.extent_order || in.mem_flags)
		return -EINVAL;
	if (memory_domain(in.domid, XENMEM_claim_pages, &d))
		return -EINVAL;
	r = claim(d, in.nr_extents);
	domain_put(d);
	return r;
}
