/* SPDX-License-Identifier: MIT */
/*
 * The first domain's devices (io/pirq.h): lines of an IOAPIC and messages of
 * one function, their numbers and ports.  In one domain both vCPUs are at it.
 */
#include <port.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/physdev.h>

#include "dom/evtchn.h"
#include "fake/fake_bus.h"
#include "io/ioapic.h"
#include "io/pci.h"
#include "io/pirq.h"
#include "pv/hypercall.h"
#include "sim/ops.h"
#include "sim/sim.h"

#define LINE		20	/* a level, once it is mapped */
#define FUNCTION	0x18	/* MSI: 8 messages, each with a mask */

static void begin(struct side *s)
{
	static bool there;
	unsigned int i;

	s->d->privileged = true;
	if (there)
		return;
	there = true;
	fake_bus_reset();
	(void)fake_bus_msi(fake_bus_add(FUNCTION, 0x0200), 0x186);
	pci_scan();
	CHECK(ioapic_add(MADDR(FAKE_IOAPIC), 0));
	for (i = 0; i < SIM_CPUS; i++)
		cpu_areas[i]->apic_id = 2 * i + 1;
}

static void device(struct side *s, unsigned int cmd, const void *arg, size_t bytes)
{
	begin(s);
	call_with(s, cmd, arg, bytes);
}

static long run_device(struct side *s)
{
	return state_call(op_physdev, &s->args);
}

/* --- what is there already; the other side may have done it --- */

static void now(struct side *s)
{
	unsigned int me = sim_cpu;

	sim_cpu = s->cpu;
	(void)op_physdev(&s->args);
	sim_cpu = me;
}

static void map_line(struct side *s)
{
	struct physdev_map_pirq map = {
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = LINE, .pirq = -1,
	};

	device(s, PHYSDEVOP_map_pirq, &map, sizeof(map));
}

static void bind(struct side *s)
{
	struct evtchn_bind_pirq b = { .pirq = LINE };

	map_line(s);
	now(s);
	call_with(s, EVTCHNOP_bind_pirq, &b, sizeof(b));
}

/* --- calls --- */

static void map_message(struct side *s)
{
	struct physdev_map_pirq map = {
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI, .index = -1, .pirq = -1,
		.devfn = FUNCTION,
	};

	device(s, PHYSDEVOP_map_pirq, &map, sizeof(map));
}

static void unmap_line(struct side *s)
{
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = LINE };

	map_line(s);
	now(s);
	device(s, PHYSDEVOP_unmap_pirq, &u, sizeof(u));
}

static void set_line(struct side *s)
{
	struct physdev_setup_gsi g = { .gsi = LINE, .triggering = 1, .polarity = 1 };

	map_line(s);
	now(s);
	device(s, PHYSDEVOP_setup_gsi, &g, sizeof(g));
}

static void served(struct side *s)
{
	struct physdev_eoi e = { .irq = LINE };

	map_line(s);
	now(s);
	device(s, PHYSDEVOP_eoi, &e, sizeof(e));
}

static void status(struct side *s)
{
	struct physdev_irq_status_query q = { .irq = LINE };

	device(s, PHYSDEVOP_irq_status_query, &q, sizeof(q));
}

static void reserve(struct side *s)
{
	struct physdev_get_free_pirq g = { .type = MAP_PIRQ_TYPE_MSI };

	device(s, PHYSDEVOP_get_free_pirq, &g, sizeof(g));
}

static void function(struct side *s, unsigned int cmd)
{
	struct physdev_pci_device p = { .devfn = FUNCTION };

	device(s, cmd, &p, sizeof(p));
}

static void remove_function(struct side *s) { function(s, PHYSDEVOP_pci_device_remove); }
static void restore(struct side *s) { function(s, PHYSDEVOP_restore_msi_ext); }

static void add_function(struct side *s)
{
	struct physdev_pci_device_add a = { .devfn = FUNCTION };

	device(s, PHYSDEVOP_pci_device_add, &a, sizeof(a));
}

static void read_ioapic(struct side *s)
{
	struct physdev_apic a = { .apic_physbase = FAKE_IOAPIC, .reg = 1 };

	device(s, PHYSDEVOP_apic_read, &a, sizeof(a));
}

const struct op ops_device[] = {
	{ "device-line", map_line, run_device, NULL, OP_FIRST },
	{ "device-message", map_message, run_device, NULL, OP_FIRST },
	{ "device-unmap", unmap_line, run_device, NULL, OP_FIRST },
	{ "device-line-set", set_line, run_device, NULL, OP_FIRST },
	{ "device-served", served, run_device, NULL, OP_FIRST },
	{ "device-status", status, run_device, NULL, OP_FIRST },
	{ "device-reserve", reserve, run_device, NULL, OP_FIRST },
	{ "device-remove", remove_function, run_device, NULL, OP_FIRST },
	{ "device-restore", restore, run_device, NULL, OP_FIRST },
	{ "device-add", add_function, run_device, NULL, OP_FIRST },
	{ "device-ioapic", read_ioapic, run_device, NULL, OP_FIRST },
	{ "device-bind", bind, op_run_event, NULL, OP_FIRST },
};
const unsigned int ops_device_count = ARRAY_COUNT(ops_device);
