/* SPDX-License-Identifier: MIT */
/* Interrupts of devices; pirq.h has the rules (PIRQ1-PIRQ4). */
#include <port.h>
#include <errno.h>

#include "dom/above.h"
#include "dom/evtchn.h"
#include "dom/timer.h"
#include "io/ioapic.h"
#include "io/msi.h"
#include "io/pirq.h"
#include "io/vector.h"
#include "x86/percpu.h"

#define ISA_LINES	16

struct pirq {
	enum { PIRQ_NONE, PIRQ_MESSAGE, PIRQ_LINE } kind;
	struct msi_place place;	/* MESSAGE */
	bool level, low;	/* LINE */
	bool served_late;	/* a level came, and no pirq_eoi() since */
	uint16_t count;		/* of the first of several; the others: 0 */
	bool reserved;		/* pirq_reserve() */
	bool masked;
	uint8_t vector;
	unsigned int cpu;
	/* PIRQ3: it is masked for that; atomic to set */
	bool flooded;
	bool lost;		/* PIRQ1; atomic */
	/* only the processor that the vector is of */
	uint64_t window_ns;
	uint32_t seen;
};

/* LOCK_IRQ: pirqs, next_cpu, vectors */
static struct spinlock pirq_lock = SPINLOCK_INIT(LOCK_IRQ);
static struct pirq pirqs[PIRQS_MAX];
static unsigned int next_cpu;
static struct timer calm_timer;

static bool in_use(const struct pirq *p)
{
	return p->kind || p->reserved;
}

/* A vector's tag is not 0. */
static uint16_t tag_of(uint32_t number)
{
	return number + 1;
}

static uint32_t number_of(const struct pirq *p)
{
	return p - pirqs;
}

/* --- masks --- */

static bool has_mask(const struct pirq *p) needs_lock(&bus_lock)
{
	return p->kind == PIRQ_LINE || msi_has_mask(&p->place);
}

static void mask_set(struct pirq *p, bool mask) needs_lock(&bus_lock)
{
	if (mask == p->masked)
		return;
	if (p->kind == PIRQ_LINE)
		ioapic_mask(number_of(p), mask);
	else if (!msi_mask(&p->place, mask))
		return;		/* pirq_restore() comes when it answers */
	p->masked = mask;
}

/* PIRQ1, PIRQ2, PIRQ3 */
static void mask_apply(struct domain *d, struct pirq *p) needs_lock(&pirq_lock)
{
	bool bound = evtchn_pirq_bound(d, number_of(p)), mask;

	spin_lock(&bus_lock);
	mask = p->flooded || p->served_late || (!bound && has_mask(p));
	mask_set(p, mask);
	spin_unlock(&bus_lock);
	if (bound && !mask && atomic_exchange(&p->lost, false))
		evtchn_pirq_raise(d, number_of(p));
}

void pirq_bound(struct domain *d, uint32_t pirq)
{
	spin_lock(&pirq_lock);
	pirqs[pirq].served_late = false;
	if (pirqs[pirq].kind)
		mask_apply(d, &pirqs[pirq]);
	spin_unlock(&pirq_lock);
}

static bool needs_eoi(uint32_t pirq) needs_lock(&pirq_lock)
{
	return pirqs[pirq].kind == PIRQ_LINE && pirqs[pirq].level;
}

void pirq_eoi(struct domain *d, uint32_t pirq)
{
	spin_lock(&pirq_lock);
	if (needs_eoi(pirq) && pirqs[pirq].served_late) {
		pirqs[pirq].served_late = false;
		mask_apply(d, &pirqs[pirq]);
	}
	spin_unlock(&pirq_lock);
}

bool pirq_needs_eoi(uint32_t pirq)
{
	bool needs;

	spin_lock(&pirq_lock);
	needs = needs_eoi(pirq);
	spin_unlock(&pirq_lock);
	return needs;
}

/* The window of some has ended. */
static void calm(void *unused)
{
	struct domain *d = domain_find(DOMID_FIRST);
	unsigned int i;

	if (!d)
		return;
	spin_lock(&pirq_lock);
	for (i = 0; i < PIRQS_MAX; i++) {
		if (!pirqs[i].kind || !pirqs[i].flooded)
			continue;
		pirqs[i].flooded = false;
		mask_apply(d, &pirqs[i]);
	}
	spin_unlock(&pirq_lock);
	domain_put(d);
}

/* Is what comes while it is masked lost?  An IOAPIC forgets edges. */
static bool forgets(const struct pirq *p) needs_lock(&pirq_lock)
{
	bool lost;

	if (p->kind == PIRQ_LINE)
		return !p->level;
	spin_lock(&bus_lock);
	lost = !msi_has_mask(&p->place);
	spin_unlock(&bus_lock);
	return lost;
}

static void flood(struct domain *d, struct pirq *p)
{
	spin_lock(&pirq_lock);
	if (p->kind && !p->flooded) {
		p->flooded = true;
		if (forgets(p))
			atomic_store(&p->lost, true);
		mask_apply(d, p);
	}
	spin_unlock(&pirq_lock);
	timer_set(&calm_timer, now_ns() + PIRQ_WINDOW_NS);
}

/* Did it come too often? */
static bool too_many(struct pirq *p)
{
	uint64_t now = now_ns();

	if (now - p->window_ns >= PIRQ_WINDOW_NS) {
		p->window_ns = now;
		p->seen = 0;
	}
	return ++p->seen > PIRQ_WINDOW_MOST;
}

/* PIRQ2 */
static void level_came(struct domain *d, struct pirq *p)
{
	spin_lock(&pirq_lock);
	if (p->kind == PIRQ_LINE && p->level) {
		p->served_late = true;
		mask_apply(d, p);
	}
	spin_unlock(&pirq_lock);
}

bool pirq_interrupt(uint32_t vector)
{
	uint16_t tag = vector_tag(this_cpu()->id, vector);
	struct domain *d;
	struct pirq *p;

	if (!tag)
		return false;
	p = &pirqs[tag - 1];
	d = domain_find(DOMID_FIRST);
	if (!d)
		return true;
	if (pirq_needs_eoi(tag - 1))
		level_came(d, p);
	if (!evtchn_pirq_raise(d, tag - 1))
		atomic_store(&p->lost, true);
	if (too_many(p))
		flood(d, p);
	domain_put(d);
	return true;
}

/* --- numbers --- */

/* Numbers of messages go from the top down, as on Xen. */
static int numbers_find(unsigned int count)
{
	unsigned int first, free = 0;

	for (first = PIRQS_MAX; first-- > PIRQ_MESSAGES_FIRST; ) {
		free = in_use(&pirqs[first]) ? 0 : free + 1;
		if (free == count)
			return (int)first;
	}
	return -ENOSPC;
}

static int numbers_check(unsigned int first, unsigned int count)
{
	unsigned int i;

	if (first < PIRQ_MESSAGES_FIRST || first >= PIRQS_MAX || count > PIRQS_MAX - first)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (pirqs[first + i].kind)
			return -EEXIST;
	return (int)first;
}

int pirq_reserve(struct domain *d)
{
	int r;

	spin_lock(&pirq_lock);
	r = numbers_find(1);
	if (r >= 0)
		pirqs[r].reserved = true;
	spin_unlock(&pirq_lock);
	return r;
}

/* --- map --- */

static bool has_number(const struct msi_place *place)
{
	unsigned int i;

	for (i = 0; i < PIRQS_MAX; i++)
		if (pirqs[i].kind == PIRQ_MESSAGE && pirqs[i].place.f == place->f &&
		    pirqs[i].place.msix == place->msix &&
		    pirqs[i].place.entry == place->entry)
			return true;
	return false;
}

/* Each processor in its turn; one that has no vector left is passed by. */
static int vectors_find(unsigned int count, uint16_t tag, unsigned int *cpu)
	needs_lock(&pirq_lock)
{
	unsigned int i;
	int r = -ENOSPC;

	for (i = 0; i < cpu_count && r < 0; i++) {
		*cpu = next_cpu++ % cpu_count;
		r = vector_alloc(*cpu, count, tag);
	}
	return r;
}

static void numbers_set(struct domain *d, const struct msi_place *place,
			unsigned int first, unsigned int count,
			unsigned int cpu, uint8_t vector) needs_lock(&pirq_lock)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct pirq *p = &pirqs[first + i];

		*p = (struct pirq){
			.kind = PIRQ_MESSAGE, .place = *place, .count = i ? 0 : count,
			.vector = vector + i, .cpu = cpu,
		};
		p->place.entry += i;
	}
	spin_lock(&bus_lock);
	msi_set(place, count, cpu_areas[cpu]->apic_id, vector);
	for (i = 0; i < count; i++)
		pirqs[first + i].masked = msi_has_mask(place);
	spin_unlock(&bus_lock);
	for (i = 0; i < count; i++) {
		evtchn_pirq_allow(d, first + i, true);
		/* The number may have its port from before. */
		mask_apply(d, &pirqs[first + i]);
	}
}

static int place_check(const struct pirq_message *m, struct msi_place *place)
	needs_lock(&pirq_lock)
{
	int r;

	spin_lock(&bus_lock);
	*place = (struct msi_place){ pci_find(m->bdf), m->msix, m->entry };
	r = !place->f || place->f->gone || m->entry > 0xffff ? -ENODEV : 0;
	if (!r)
		r = has_number(place) ? -EEXIST : msi_check(place, m->count);
	spin_unlock(&bus_lock);
	return r;
}

static int map(struct domain *d, const struct pirq_message *m, int *pirq)
	needs_lock(&pirq_lock)
{
	struct msi_place place;
	unsigned int cpu;
	int r, vector;

	r = place_check(m, &place);
	if (r)
		return r;
	r = *pirq == -1 ? numbers_find(m->count) :
			  numbers_check((unsigned int)*pirq, m->count);
	if (r < 0)
		return r;
	*pirq = r;
	vector = vectors_find(m->count, tag_of(r), &cpu);
	if (vector < 0)
		return vector;
	numbers_set(d, &place, r, m->count, cpu, vector);
	return 0;
}

/* What the domain's first number needs. */
static int numbers_init(struct domain *d)
{
	int r = evtchn_pirq_init(d);

	spin_lock(&pirq_lock);
	if (!r && !calm_timer.fn)
		timer_init(&calm_timer, calm, NULL);
	spin_unlock(&pirq_lock);
	return r;
}

int pirq_map(struct domain *d, const struct pirq_message *m, int *pirq)
{
	int r;

	if (m->count > VECTOR_BLOCK_MAX)
		return -EINVAL;
	r = numbers_init(d);
	if (r)
		return r;
	spin_lock(&pirq_lock);
	r = map(d, m, pirq);
	spin_unlock(&pirq_lock);
	return r;
}

/* --- lines --- */

static void line_write(struct pirq *p) needs_lock(&pirq_lock)
{
	spin_lock(&bus_lock);
	ioapic_set(number_of(p), cpu_areas[p->cpu]->apic_id, p->vector, p->level,
		   p->low);
	spin_unlock(&bus_lock);
	p->masked = true;
}

static int map_line(struct domain *d, uint32_t line) needs_lock(&pirq_lock)
{
	struct pirq *p = &pirqs[line];
	unsigned int cpu;
	int vector;

	if (p->kind)
		return -EEXIST;
	vector = vectors_find(1, tag_of(line), &cpu);
	if (vector < 0)
		return vector;
	*p = (struct pirq){
		.kind = PIRQ_LINE, .count = 1, .vector = vector, .cpu = cpu,
		.level = line >= ISA_LINES, .low = line >= ISA_LINES,
	};
	line_write(p);
	evtchn_pirq_allow(d, line, true);
	mask_apply(d, p);
	return 0;
}

int pirq_map_line(struct domain *d, uint32_t line)
{
	int r;

	if (line >= PIRQ_MESSAGES_FIRST || !ioapic_has(line))
		return -EINVAL;
	r = numbers_init(d);
	if (r)
		return r;
	spin_lock(&pirq_lock);
	r = map_line(d, line);
	spin_unlock(&pirq_lock);
	return r;
}

int pirq_set_line(struct domain *d, uint32_t line, bool level, bool low)
{
	struct pirq *p;
	int r = 0;

	if (line >= PIRQ_MESSAGES_FIRST)
		return -EINVAL;
	p = &pirqs[line];
	spin_lock(&pirq_lock);
	if (p->kind != PIRQ_LINE)
		r = -EINVAL;
	else if (evtchn_pirq_bound(d, line))
		r = -EEXIST;
	if (!r) {
		p->level = level;
		p->low = low;
		line_write(p);
	}
	spin_unlock(&pirq_lock);
	return r;
}

/* --- unmap --- */

/* p is the first of its messages. */
static void unmap(struct domain *d, struct pirq *p) needs_lock(&pirq_lock)
{
	unsigned int count = p->count, i;

	spin_lock(&bus_lock);
	if (p->kind == PIRQ_LINE)
		ioapic_mask(number_of(p), true);
	else
		msi_clear(&p->place, count);
	spin_unlock(&bus_lock);
	vector_free(p->cpu, p->vector, count);
	for (i = 0; i < count; i++) {
		evtchn_pirq_allow(d, number_of(p) + i, false);
		p[i] = (struct pirq){ 0 };
	}
}

int pirq_unmap(struct domain *d, uint32_t pirq)
{
	int r = -EINVAL;

	if (pirq >= PIRQS_MAX)
		return r;
	spin_lock(&pirq_lock);
	if (pirqs[pirq].reserved && !pirqs[pirq].kind) {
		pirqs[pirq].reserved = false;
		r = 0;
	} else if (pirqs[pirq].kind && pirqs[pirq].count) {
		unmap(d, &pirqs[pirq]);
		r = 0;
	}
	spin_unlock(&pirq_lock);
	return r;
}

/* --- all of a function's, or of a domain's --- */

int pirq_restore(struct domain *d, uint16_t bdf)
{
	const struct pci_function *f;
	unsigned int i;

	spin_lock(&pirq_lock);
	spin_lock(&bus_lock);
	f = pci_find(bdf);
	for (i = 0; f && i < PIRQS_MAX; i++) {
		struct pirq *p = &pirqs[i];

		if (p->kind != PIRQ_MESSAGE || p->place.f != f)
			continue;
		if (p->count)
			msi_set_again(&p->place, p->count,
				      cpu_areas[p->cpu]->apic_id, p->vector);
		p->masked = p->masked || msi_has_mask(&p->place);
	}
	spin_unlock(&bus_lock);
	for (i = 0; f && i < PIRQS_MAX; i++)
		if (pirqs[i].kind == PIRQ_MESSAGE && pirqs[i].place.f == f)
			mask_apply(d, &pirqs[i]);
	spin_unlock(&pirq_lock);
	return f ? 0 : -ENODEV;
}

static void forget(struct domain *d, const struct pci_function *f)
	needs_lock(&pirq_lock)
{
	unsigned int i;

	for (i = 0; i < PIRQS_MAX; i++)
		if (pirqs[i].kind == PIRQ_MESSAGE && pirqs[i].place.f == f &&
		    pirqs[i].count)
			unmap(d, &pirqs[i]);
}

int pirq_remove(struct domain *d, uint16_t bdf)
{
	struct pci_function *f;

	spin_lock(&pirq_lock);
	spin_lock(&bus_lock);
	f = pci_find(bdf);
	spin_unlock(&bus_lock);
	if (f) {
		forget(d, f);
		spin_lock(&bus_lock);
		pci_remove(f);	/* PCI4: nobody maps meanwhile */
		spin_unlock(&bus_lock);
	}
	spin_unlock(&pirq_lock);
	return f ? 0 : -ENODEV;
}

void pirq_end(struct domain *d)
{
	struct pci_function *f;
	unsigned int i;

	if (d->id != DOMID_FIRST)
		return;
	for (i = 0; i < PIRQ_MESSAGES_FIRST; i++)
		(void)pirq_unmap(d, i);
	for (i = 0; (f = pci_nth(i)); i++) {
		spin_lock(&pirq_lock);
		forget(d, f);
		spin_lock(&bus_lock);
		pci_quiet(f);
		spin_unlock(&bus_lock);
		spin_unlock(&pirq_lock);
	}
}
