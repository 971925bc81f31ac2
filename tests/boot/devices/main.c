/* SPDX-License-Identifier: MIT */
/*
 * A first domain of our own drives devices that QEMU has for that: "edu" (an
 * MSI without a mask, DMA) and a virtio device (MSI-X).  Configuration space,
 * ports, memory of devices, interrupts; and what is refused.
 */
#include <gl/event.h>
#include <gl/sched.h>
#include <gl/timer.h>
#include <gl/trap.h>

#include <xen/domctl.h>
#include <xen/physdev.h>

#include "../attack.h"

#define MAPS		0x00005a5a00000000UL
#define UNCACHED	0x10UL
#define EDU		0x11e81234
#define VIRTIO_RNG	0x10051af4
#define EDU_BYTES	0x100000
/* registers of edu */
#define EDU_ID		0x00
#define EDU_ALIVE	0x04
#define EDU_RAISE	0x60
#define EDU_ACK		0x64
#define EDU_FROM	0x80
#define EDU_TO		0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_BUFFER	0x40000	/* as its DMA names it */
#define DMA_BYTES	2048	/* it refuses its whole buffer */
#define EDU_START	1u
#define EDU_TO_RAM	2u
#define EDU_INTERRUPT	4u

static void port_out(uint16_t port, unsigned int width, uint32_t value)
{
	if (width == 1)
		__asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(port));
	else if (width == 2)
		__asm__ volatile("outw %w0, %w1" : : "a"(value), "d"(port));
	else
		__asm__ volatile("outl %0, %w1" : : "a"(value), "d"(port));
}

static uint32_t port_in(uint16_t port, unsigned int width)
{
	uint32_t value = 0;

	if (width == 1)
		__asm__ volatile("inb %w1, %b0" : "+a"(value) : "d"(port));
	else if (width == 2)
		__asm__ volatile("inw %w1, %w0" : "+a"(value) : "d"(port));
	else
		__asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(port));
	return value;
}

static void name(uint32_t bdf, unsigned int reg)
{
	port_out(0xcf8, 4, 1u << 31 | bdf << 8 | (reg & 0xfc));
}

static uint32_t config_in(uint32_t bdf, unsigned int reg, unsigned int width)
{
	name(bdf, reg);
	return port_in(0xcfc + (reg & 3), width);
}

static void config_out(uint32_t bdf, unsigned int reg, unsigned int width,
		       uint32_t value)
{
	name(bdf, reg);
	port_out(0xcfc + (reg & 3), width, value);
}

static uint32_t find(uint32_t id)
{
	for (uint32_t devfn = 0; devfn < 256; devfn++)
		if (config_in(devfn, 0, 4) == id)
			return devfn;
	gl_test_error("a device is missing");
	return 0;
}

static unsigned int capability(uint32_t bdf, uint8_t id)
{
	unsigned int at = config_in(bdf, 0x34, 1);

	while (at && config_in(bdf, at, 1) != id)
		at = config_in(bdf, at + 1, 1);
	gl_test_check(at);
	return at;
}

static long physdev(unsigned int cmd, void *arg)
{
	return raw_call(__HYPERVISOR_physdev_op, cmd, (uint64_t)arg, 0, 0, 0);
}

/* --- ports and configuration --- */

static void test_ports(void)
{
	static const uint16_t ours[] = { 0x20, 0xa1, 0x3f8, 0x3fd, 0xf4, 0x64,
		0x1f7, 0xcf9 };
	unsigned int i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		gl_test_equal(port_in(ours[i], 1), 0xff);
		port_out(ours[i], 1, 0x11);	/* as to nothing */
	}
	gl_test_equal(port_in(0x61, 1), 0);
	gl_test_equal(config_in(0xffff, 0, 4), 0xffffffff);
	gl_test_equal(port_in(0xcfb, 1), 0xff);
}

/* Its registers, one after the other; NMIs stay as they are. */
static void test_clock(void)
{
	uint32_t kept;

	port_out(0x70, 1, 0xc0);
	gl_test_equal(port_in(0x70, 1), 0x40);
	kept = port_in(0x71, 1);
	port_out(0x71, 1, kept ^ 0xff);
	gl_test_equal(port_in(0x71, 1), kept ^ 0xff);
	port_out(0x71, 1, kept);
	gl_test_equal(port_in(0x70, 2), 0xffff);
	port_out(0x70, 1, 0);
	gl_test_check(port_in(0x71, 1) <= 0x59);
}

/* The board's own functions stay as they are; a size can be asked. */
static void test_config(uint32_t edu)
{
	uint32_t base = config_in(edu, 0x10, 4), command = config_in(0, 4, 2);

	config_out(edu, 4, 2, 0);
	config_out(edu, 0x10, 4, ~0u);
	gl_test_equal(config_in(edu, 0x10, 4), -EDU_BYTES & ~0u);
	config_out(edu, 0x10, 4, base);
	config_out(edu, 4, 2, 6);		/* memory, and may read RAM */
	gl_test_equal(config_in(edu, 0x10, 4), base);
	config_out(0, 4, 2, 0);
	gl_test_equal(config_in(0, 4, 2), command);
}

/* --- memory --- */

static void test_frames(uint32_t edu, uint32_t rng)
{
	static const uint64_t bad[] = { 0xfee00, 0xfec00, 0xfeeff, 0x100, 1UL << 35,
		0xd0000 };
	uint64_t base = config_in(edu, 0x10, 4) >> GL_PAGE_SHIFT, table;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		gl_test_equal(gl_map_page(MAPS, bad[i], GL_PTE_KERNEL), -XEN_EPERM);
	gl_test_equal(gl_map_page(MAPS, base - 1, GL_PTE_KERNEL), -XEN_EPERM);
	/* a ROM, and a screen's memory */
	gl_test_equal(gl_map_page(MAPS, 0xf0, GL_PTE_KERNEL), 0);
	gl_test_check(!gl_probe_write(MAPS, 1));
	gl_test_equal(gl_map_page(MAPS, 0xa0, GL_PTE_KERNEL), 0);
	gl_test_equal(gl_map_page(MAPS, base, GL_PTE_KERNEL | UNCACHED), 0);
	gl_test_equal(gl_map_page(MAPS + GL_PAGE_BYTES, base + 0xff, GL_PTE_KERNEL), 0);
	/* Where its messages are is not to be written. */
	table = config_in(rng, 0x14, 4) >> GL_PAGE_SHIFT;
	gl_test_equal(gl_map_page(MAPS + 2 * GL_PAGE_BYTES, table, GL_PTE_KERNEL), 0);
	gl_test_check(!(gl_pte_read(MAPS + 2 * GL_PAGE_BYTES) & GL_PTE_WRITE));
	gl_test_check(!gl_probe_write(MAPS + 2 * GL_PAGE_BYTES, 1));
	gl_test_check(gl_probe_write(MAPS + EDU_ALIVE, 0));
	/* It is no frame. */
	gl_test_equal(offer(MAPS), -XEN_EPERM);
	audit("memory of devices");
}

static uint32_t edu_read(unsigned int reg)
{
	return *(volatile uint32_t *)(MAPS + reg);
}

static void edu_write(unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(MAPS + reg) = value;
}

static void edu_write64(unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(MAPS + reg) = value;
}

/* --- interrupts --- */

static volatile unsigned int hits;

static void hit(evtchn_port_t port, void *data)
{
	hits++;
	*(volatile uint32_t *)(MAPS + EDU_ACK) = ~0u;
}

static long map_pirq(struct physdev_map_pirq *m)
{
	return physdev(PHYSDEVOP_map_pirq, m);
}

static evtchn_port_t bind(int pirq)
{
	struct evtchn_bind_pirq b = { .pirq = pirq };

	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_bind_pirq, &b), 0);
	gl_event_handler_set(b.port, hit, NULL);
	gl_event_unmask(b.port);
	return b.port;
}

static void wait_hits(unsigned int want)
{
	for (unsigned int i = 0; i < 2000 && hits < want; i++)
		gl_sleep_ns(1000000);
	gl_test_equal(hits, want);
}

static void raise(void)
{
	unsigned int want = hits + 1;

	edu_write(EDU_RAISE, 1);
	wait_hits(want);
}

static void test_add(uint32_t edu, uint32_t rng)
{
	struct physdev_pci_device_add add = { .devfn = edu };

	gl_test_equal(physdev(PHYSDEVOP_pci_device_add, &add), 0);
	gl_test_equal(physdev(PHYSDEVOP_pci_device_add, &add), 0);
	add.devfn = rng;
	gl_test_equal(physdev(PHYSDEVOP_pci_device_add, &add), 0);
}

static void test_message(uint32_t edu, uint32_t rng)
{
	struct physdev_map_pirq m = {
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG, .index = -1,
		.pirq = -1, .devfn = edu,
	}, again = m;
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF };
	struct physdev_irq_status_query q;
	unsigned int msi = capability(edu, 5);
	uint32_t was = config_in(edu, msi + 4, 4);
	evtchn_port_t port;

	/* No message is written: it cannot be turned on, nor pointed. */
	config_out(edu, msi + 2, 2, 1);
	config_out(edu, msi + 4, 4, 0xfee00000);
	config_out(edu, msi + 12, 2, 0x30);
	gl_test_equal(config_in(edu, msi + 2, 2) & 1, 0);
	gl_test_equal(config_in(edu, msi + 4, 4), was);
	gl_test_equal(map_pirq(&m), 0);
	gl_test_equal(map_pirq(&again), -XEN_EEXIST);
	again.devfn = rng;
	gl_test_equal(map_pirq(&again), -XEN_ENODEV);	/* it has no MSI */
	q.irq = m.pirq;
	gl_test_equal(physdev(PHYSDEVOP_irq_status_query, &q), 0);
	gl_test_equal(q.flags, 0);
	config_out(edu, msi + 2, 2, 1);
	edu_write(EDU_ALIVE, 0x12345678);
	gl_test_equal(edu_read(EDU_ALIVE), ~0x12345678u);
	gl_test_equal(edu_read(EDU_ID) & 0xffff, 0x00ed);
	edu_write(EDU_RAISE, 1);		/* nobody listens yet */
	gl_test_equal(hits, 0);
	port = bind(m.pirq);
	wait_hits(1);
	for (unsigned int i = 0; i < 50; i++)
		raise();
	gl_test_equal(gl_event_close(port), 0);
	edu_write(EDU_RAISE, 1);
	edu_write(EDU_ACK, ~0u);
	gl_sleep_ns(20000000);
	gl_test_equal(hits, 51);
	port = bind(m.pirq);
	wait_hits(52);
	raise();
	u.pirq = m.pirq;
	gl_test_equal(physdev(PHYSDEVOP_unmap_pirq, &u), 0);
	gl_test_equal(config_in(edu, msi + 2, 2) & 1, 0);
	gl_test_equal(physdev(PHYSDEVOP_unmap_pirq, &u), -XEN_EINVAL);
	gl_test_equal(gl_event_close(port), 0);
	m.pirq = -1;
	gl_test_equal(map_pirq(&m), 0);
	config_out(edu, msi + 2, 2, 1);
	(void)bind(m.pirq);
	raise();
	audit("messages");
}

/* --- its line, which is a level, while it sends no message --- */

static void test_line(uint32_t edu)
{
	struct physdev_map_pirq m = {
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .pirq = -1,
		.index = config_in(edu, 0x3c, 1),
	};
	struct physdev_setup_gsi g = { .gsi = m.index, .triggering = 1 };
	struct physdev_eoi eoi = { m.index };
	struct physdev_unmap_pirq u = { DOMID_SELF, m.index };
	struct physdev_irq_status_query q = { m.index, 0 };
	evtchn_port_t port;

	gl_test_equal(map_pirq(&m), 0);
	gl_test_equal(physdev(PHYSDEVOP_setup_gsi, &g), 0);
	gl_test_equal(physdev(PHYSDEVOP_irq_status_query, &q), 0);
	gl_test_equal(q.flags, XENIRQSTAT_needs_eoi);
	hits = 0;
	port = bind(m.pirq);
	gl_test_equal(physdev(PHYSDEVOP_setup_gsi, &g), -XEN_EEXIST);
	raise();
	/* Not served, it is not heard: it waits at the IOAPIC. */
	edu_write(EDU_RAISE, 1);
	gl_sleep_ns(20000000);
	gl_test_equal(hits, 1);
	gl_test_equal(physdev(PHYSDEVOP_eoi, &eoi), 0);
	wait_hits(2);
	for (unsigned int i = 0; i < 50; i++) {
		gl_test_equal(physdev(PHYSDEVOP_eoi, &eoi), 0);
		raise();
	}
	gl_test_equal(gl_event_close(port), 0);
	edu_write(EDU_RAISE, 1);
	gl_test_equal(physdev(PHYSDEVOP_eoi, &eoi), 0);
	gl_sleep_ns(20000000);
	gl_test_equal(hits, 52);
	port = bind(m.pirq);
	wait_hits(53);
	gl_test_equal(gl_event_close(port), 0);
	gl_test_equal(physdev(PHYSDEVOP_unmap_pirq, &u), 0);
	gl_test_equal(physdev(PHYSDEVOP_unmap_pirq, &u), -XEN_EINVAL);
	gl_test_equal(physdev(PHYSDEVOP_setup_gsi, &g), -XEN_EINVAL);
	m.index = m.pirq = 60;			/* the machine has no such line */
	gl_test_equal(map_pirq(&m), -XEN_EINVAL);
	audit("lines");
}

/* --- DMA, by machine addresses --- */

static void dma(uint64_t from, uint64_t to, uint32_t command)
{
	unsigned int want = hits + 1;

	edu_write64(EDU_FROM, from);
	edu_write64(EDU_TO, to);
	edu_write64(EDU_COUNT, DMA_BYTES);
	edu_write64(EDU_COMMAND, command | EDU_START | EDU_INTERRUPT);
	wait_hits(want);
}

static void test_dma(void)
{
	uint64_t from = gl_page_alloc(), to = gl_page_alloc();

	for (unsigned int i = 0; i < PAGE_WORDS; i++)
		((uint64_t *)from)[i] = i * 0x0123456789abcdefUL;
	memset((void *)to, 0, GL_PAGE_BYTES);
	dma(gl_virt_to_mfn(from) << GL_PAGE_SHIFT, EDU_BUFFER, 0);
	dma(EDU_BUFFER, gl_virt_to_mfn(to) << GL_PAGE_SHIFT, EDU_TO_RAM);
	gl_test_check(!memcmp((void *)from, (void *)to, DMA_BYTES));
	/* The last: it is under way when we are gone (PIRQ4). */
	edu_write64(EDU_COMMAND, EDU_TO_RAM | EDU_START);
}

/* What has shut down stays until it is destroyed. */
static void wait_and_destroy(unsigned int dom)
{
	struct xen_domctl op = {
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = dom,
	};

	do {
		gl_sleep_ns(1000000);
		op.cmd = XEN_DOMCTL_getdomaininfo;
		if (raw_call(__HYPERVISOR_domctl, (uint64_t)&op, 0, 0, 0, 0) ||
		    op.domain != dom)
			return;
	} while (!(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown));
	op.cmd = XEN_DOMCTL_destroydomain;
	gl_test_equal(raw_call(__HYPERVISOR_domctl, (uint64_t)&op, 0, 0, 0, 0), 0);
}

void gl_main(void)
{
	struct physdev_set_iopl iopl = { 1 };
	uint32_t edu, rng;

	gl_test_equal(physdev(PHYSDEVOP_set_iopl, &iopl), 0);
	edu = find(EDU);
	rng = find(VIRTIO_RNG);
	test_ports();
	test_clock();
	test_config(edu);
	test_frames(edu, rng);
	test_add(edu, rng);
	test_line(edu);
	hits = 0;
	test_message(edu, rng);
	wait_and_destroy(gl_cmdline_u64("wait", 0));
	test_dma();
	gl_test_done();
}
