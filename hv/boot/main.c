/* SPDX-License-Identifier: MIT */
/*
 * The table of contents: what runs at boot, in order, one init a line.
 *
 * main_bsp() runs on the boot stack and in the boot page tables, up to the
 * point where this CPU has its own stack in the final ones; main_on_own_stack()
 * does the rest.  A mistake of the operator ends in boot_fail(): one line,
 * EXIT_ERROR.
 */
#include <port.h>

#include "boot/boot.h"
#include "boot/report.h"
#include "boot/selftest.h"
#include "ctl/build.h"
#include "ctl/control.h"
#include "ctl/domlist.h"
#include "ctl/first.h"
#include "ctl/unpack.h"
#include "ctl/waiting.h"
#include "debug/log.h"
#include "dom/console.h"
#include "dom/promise.h"
#include "dom/sched.h"
#include "dom/wallclock.h"
#include "io/ioapic.h"
#include "io/ioframe.h"
#include "io/ioport.h"
#include "io/pci.h"
#include "io/pirq.h"
#include "lib/fmt.h"
#include "offer/chunk.h"
#include "pv/hypercall.h"
#include "sharing/sharing.h"
#include "x86/insn.h"

#define MEMORY_KEPT_PART	16
#define MEMORY_KEPT_MOST	(128UL << 20 >> PAGE_SHIFT)

void main_bsp(uint32_t mbi_maddr, uint32_t loader) noreturn;

static struct cpu_ids cpu_ids[MAX_CPUS];
static uint32_t cpus_found;
static struct ref_hw clocks;

void boot_fail(const char *fmt, ...)
{
	char line[300];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_error("%s", line);
	exit_machine(EXIT_ERROR);
}

/* exit= counts even if the rest of the line has a mistake. */
static void parse_options(void)
{
	char err[200];
	bool ok = config_parse_cmdline(boot_cmdline, &boot_options, err,
				       sizeof(err));

	exit_set_mode(boot_options.exit_mode);
	log_level = boot_options.log_level;
	if (!ok)
		boot_fail("%s", err);
}

static struct acpi_ioapic ioapics[IOAPICS_MAX];
static uint32_t ioapics_found;
static struct acpi_ports acpi_ports[ACPI_PORTS_MAX];
static uint32_t acpi_ports_found;
static maddr_t config_space[2];		/* [first, end) */
static uint8_t config_bus;		/* of the first */

static void find_processors(void)
{
	uint32_t max = MAX_CPUS;

	if (boot_options.max_cpus)
		max = MIN(max, boot_options.max_cpus);
	cpus_found = acpi_find_cpus(cpu_apic_id(), cpu_ids, max);
	acpi_find_clocks(&clocks);
	ioapics_found = acpi_find_ioapics(ioapics, IOAPICS_MAX);
	acpi_ports_found = acpi_find_ports(acpi_ports);
	acpi_find_config(&config_space[0], &config_space[1], &config_bus);
}

/* What ACPI's tables name: the first domain reads them, too. */
static void add_acpi(void)
{
	uint32_t i;

	for (i = 0; i < acpi_ports_found; i++)
		(void)ioport_add(acpi_ports[i].first, acpi_ports[i].count);
	if (maddr_n(clocks.hpet))
		ioframe_set_clock(maddr_to_mfn(clocks.hpet));
	bus_config_memory_set(maddr_to_mfn(config_space[0]),
			      maddr_to_mfn(config_space[1]),
			      (uint16_t)(config_bus << 8));
	for (i = 0; i < ioapics_found; i++)
		if (!ioapic_add(ioapics[i].at, ioapics[i].first))
			log_warn("the IOAPIC at %lx does not answer",
				 maddr_n(ioapics[i].at));
}

/* The domain list from its start; `each` is called for every line. */
static void for_each_domain(const struct boot_module *m,
			    void (*each)(const struct domain_config *c))
{
	static struct domain_config config;
	const char *text, *end;
	char err[200];
	uint32_t line = 0;
	int got;

	text = maddr_to_virt(m->start);
	end = text + m->bytes;
	while ((got = config_next_domain(&text, end, &line, &config, err,
					 sizeof(err))) > 0)
		each(&config);
	if (got < 0)
		boot_fail("%s", err);
}

static void refuse_same_name(const struct domain_config *c)
{
	uint32_t i;

	for (i = 0; i < domlist_count(); i++)
		if (config_names_clash(domlist_at(i), c))
			boot_fail("the domain list has two domains of one name: %s and %s; give each its own",
				  domlist_at(i)->name, c->name);
}

/*
 * Refuse a console=NAME that no domain has: nobody would get what is typed, and
 * nothing would say so.
 */
static void check_console(void)
{
	const char *who = boot_options.console;
	uint32_t instance;

	if (boot_options.first.wanted && first_owns_console(who))
		who = domlist_at(0)->name;
	console_set_focus(who);
	if (!strcmp(who, "all") || !strcmp(who, "none"))
		return;
	if (!domlist_find(who, &instance))
		boot_fail("command line: console=%s names no domain of the list; all, none or a domain's name is wanted",
			  who);
}

static struct domain_config *new_config(void)
{
	struct domain_config *kept = domlist_new();

	if (!kept)
		boot_fail("no room for the configuration of %u domains",
			  domlist_count() + 1);
	return kept;
}

static void keep_config(const struct domain_config *c)
{
	struct domain_config *kept;

	refuse_same_name(c);
	kept = new_config();
	*kept = *c;
	build_plan(kept);
}

/*
 * What a domain may have if it is to have all, but for what it costs beside its
 * pages and, as on Xen, a 16th.
 */
static uint64_t memory_most(void)
{
	uint64_t left = domain_promise_left();
	uint64_t kept = MIN(left / MEMORY_KEPT_PART, MEMORY_KEPT_MOST) +
			domain_metadata(left, CONFIG_VCPUS_MAX);

	return left > kept ? (left - kept) << PAGE_SHIFT : 0;
}

/* Before the list's, so that nobody else gets the memory. */
static void read_first_domain(void)
{
	struct domain_config *first;
	char err[200];
	uint64_t most, packed;

	if (!boot_options.first.wanted)
		return;
	first = new_config();
	paging_set_window();	/* for the memory of devices */
	add_acpi();
	pci_scan();		/* whose ports and memory are devices' */
	trap_device = pirq_interrupt; /* before any can interrupt */
	/* Asked last: what is in use by then is promised to nobody. */
	most = boot_options.first.bytes ? 0 : memory_most();
	if (!first_configure(&boot_options.first, cpu_count, most, first, err,
			     sizeof(err)))
		boot_fail("%s", err);
	first->acpi_root = acpi_root(&first->acpi_root_bytes);
	if (unpack_plan(first, &packed, err, sizeof(err)) && most)
		first->memory_bytes -= MIN(packed, first->memory_bytes);
	if (err[0])
		boot_fail("%s", err);
	build_plan(first);
}

/* With a first domain there need be none. */
static void read_domain_list(void)
{
	const struct boot_module *m = boot_module_find(boot_options.config_module);

	if (!m && !boot_options.first.wanted)
		boot_fail("the module %s, the domain list, was not loaded",
			  boot_options.config_module);
	if (m && boot_options.first.wanted && !boot_options.first.bytes)
		boot_fail("command line: dom0_mem= is missing: there is a domain list, too");
	if (m)
		for_each_domain(m, keep_config);
}

/* All of them are read before the first one is built. */
static void read_domains(void)
{
	if (!domlist_init())
		boot_fail("no memory for the domain list");
	read_first_domain();
	read_domain_list();
	if (!domlist_count())
		boot_fail("the domain list %s names no domain",
			  boot_options.config_module);
	check_console();
}

/*
 * The builder said why it failed; the other instances, up to ten thousand,
 * would say the same.
 */
static void stop_building(const struct domain_config *c, uint32_t instance)
{
	boot_fail("number %u of %u domains of the line name=%s could not be built; the domain list is given up",
		  instance + 1, c->count, c->name);
}

static void build_domains(void)
{
	uint32_t line, i;

	for (line = 0; line < domlist_count(); line++)
		for (i = 0; i < domlist_at(line)->count; i++)
			if (boot_options.overcommit)
				waiting_add(domlist_at(line), i, 0);
			else if (!build_domain(domlist_at(line), i, 0))
				stop_building(domlist_at(line), i);
}

/* unpack_image.asm */
extern const uint8_t unpack_image[], unpack_image_end[];

static void build_unpacked(const char *why)
{
	if (why)
		boot_fail("the first domain's kernel was not unpacked: %s", why);
	build_domains();
}

/* The first domain's kernel may have to be unpacked before. */
static void start_domains(void)
{
	static struct boot_module unpacker;

	unpacker = (struct boot_module){
		.name = "unpack", .bytes = unpack_image_end - unpack_image,
		.start = MADDR((uintptr_t)unpack_image - IMAGE_VIRT),
	};
	if (!unpack_begin(&unpacker, build_unpacked))
		build_domains();
}

static void main_on_own_stack(void)
{
	idt_use_ist();			/* the TSS has the stacks now */
	/* before anything is copied from a guest */
	smap_patch();
	paging_init_frametable();		/* needs early memory */
	/* needs the frame table; ends e820_alloc_early() */
	e820_give_to_palloc();
	tsc_init(&clocks);		/* time 0; delays */
	wallclock_init();		/* refers to time 0 */
	lapic_init(true);		/* timer measured against the TSC */
	/* before the first hash key or frame draw */
	entropy_init();
	console_set_rate(boot_options.console_rate);
	version_set_commandline(boot_cmdline);
	sched_all_gone = report_final;	/* before a domain can come and go */
	smp_start(cpu_ids, cpus_found, e820_low_page(),
		  &(struct ap_tables){ boot_l4_maddr, boot_gdt_maddr }, sched_loop);
	log_info("processors: %u, TSC %lu kHz", cpu_count, tsc_khz);
	domain_set_overcommit(boot_options.overcommit);
	sharing_init(boot_options.pages); /* measures page functions */
	chunk_init();			/* knows the number of CPUs */
	read_domains();
	console_input_start();		/* the operator may type from here on */
	/* the machine may be stopped, and go on */
	wallclock_start();
	/* before the first guest may have to wait */
	waiting_init();
	if (boot_options.control || boot_options.first.wanted)
		control_start(boot_options.control, boot_options.first.wanted);
	/* frames that are free now must be free again at the end */
	report_start();
	selftest(boot_options.selftest); /* test builds only */
	/* guests run; console_input_start() pumps */
	log_start_async();
	start_domains();
	sched_loop();
}

void main_bsp(uint32_t mbi_maddr, uint32_t loader)
{
	maddr_t lapic_base;

	/* so that everything below can speak; the log does without, too */
	(void)uart_open(UART_CONSOLE);
	percpu_init(0);			/* locks and the log use this_cpu() */
	percpu_load(0);
	idt_init();			/* so that mistakes below are seen */
	cpu_detect();
	if (loader == MULTIBOOT2)
		multiboot2_read_cmdline(MADDR(mbi_maddr));
	else
		multiboot_read_cmdline(MADDR(mbi_maddr));
	/* how to leave, should something be wrong */
	parse_options();
	if (loader == MULTIBOOT2)	/* before memory is handed out */
		multiboot2_read(MADDR(mbi_maddr));
	else
		multiboot_read(MADDR(mbi_maddr));
	log_info("Pasture, a hypervisor that shares pages");
	e820_init();			/* RAM, e820_alloc_early() */
	find_processors();		/* how many CPUs need memory */
	cpu_init();			/* NX, before tables use it */
	lapic_detect(&lapic_base);
	paging_init(cpus_found, lapic_base); /* final tables, CPU memory */
	gdt_init_cpu();
	stack_reset_call(main_on_own_stack);
}
