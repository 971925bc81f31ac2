/* SPDX-License-Identifier: MIT */
/* See qemu_args.h; here too: can that QEMU and that accelerator work at all? */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/qemu_args.h"

/* Modules are separated by commas: one inside a name is doubled. */
static char *join_modules(const struct strings *modules)
{
	size_t bytes = 1;
	char *joined, *p;

	for (size_t i = 0; i < modules->count; i++)
		bytes += 2 * strlen(modules->v[i]) + 1;
	joined = p = xcalloc(bytes, 1);
	for (size_t i = 0; i < modules->count; i++) {
		if (i)
			*p++ = ',';
		for (const char *s = modules->v[i]; *s; s++) {
			if (*s == ',')
				*p++ = ',';
			*p++ = *s;
		}
	}
	return joined;
}

static void add_kernel(struct strings *a, const struct machine_config *c)
{
	if (!c->kernel) {
		strings_add(a, "-cdrom");
		strings_add(a, c->iso);
		strings_add(a, "-boot");
		strings_add(a, "d");
		return;
	}
	strings_add(a, "-kernel");
	strings_add(a, c->kernel);
	strings_add(a, "-append");
	strings_add(a, c->append);
	if (!c->modules.count)
		return;
	strings_add(a, "-initrd");
	strings_add(a, join_modules(&c->modules));
}

static void add_number(struct strings *a, const char *switch_name,
		       const char *format, uint64_t n)
{
	char text[64];

	snprintf(text, sizeof(text), format, (unsigned long long)n);
	strings_add(a, switch_name);
	strings_add(a, text);
}

/* Memory that is a file, for memory_read(). */
static void add_memory_file(struct strings *a, const struct machine_config *c)
{
	add_number(a, "-object", "memory-backend-memfd,id=ram,share=on,size=%lluM",
		   c->mem_mib);
	strings_split(a, "-machine memory-backend=ram", " ");
}

/* The operator's channel; QEMU does not wait for a client. */
static void add_control(struct strings *a, const char *name)
{
	char *chardev = xasprintf("socket,id=control,path=%s,server=on,wait=off", name);

	strings_add(a, "-chardev");
	strings_add(a, chardev);
	strings_split(a, "-serial chardev:control", " ");
	free(chardev);
}

static void add_machine(struct strings *a, const struct machine_config *c)
{
	strings_add(a, "-accel");
	strings_add(a, c->accel);
	strings_add(a, "-cpu");
	strings_add(a, c->cpu_model);
	add_number(a, "-smp", "%llu", c->cpus);
	add_number(a, "-m", "%lluM", c->mem_mib);
	if (c->memory_file)
		add_memory_file(a, c);
	strings_split(a, c->extra ? c->extra : "", " ");
	if (c->gdb_port) {
		strings_add(a, "-S");
		add_number(a, "-gdb", "tcp:127.0.0.1:%llu", c->gdb_port);
	}
	add_kernel(a, c);
}

char **qemu_args(const struct machine_config *c)
{
	struct strings a = { 0 };

	strings_add(&a, c->qemu);
	strings_split(&a, "-display none -no-reboot -nodefaults -vga none "
		      "-device isa-debug-exit,iobase=0xf4,iosize=4 -serial", " ");
	strings_add(&a, c->monitor ? "mon:stdio" : "stdio");
	if (c->control)
		add_control(&a, c->control);
	if (!c->words)
		add_machine(&a, c);
	for (size_t i = 0; c->words && i < c->words->count; i++)
		strings_add(&a, c->words->v[i]);
	a.v = xrealloc(a.v, (a.count + 1) * sizeof(*a.v));
	a.v[a.count] = NULL;
	return a.v;
}

static bool is_program(const char *name)
{
	struct strings dirs = { 0 };
	bool found = false;

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	strings_split(&dirs, getenv("PATH") ? getenv("PATH") : "", ":");
	for (size_t i = 0; i < dirs.count && !found; i++) {
		char *path = xasprintf("%s/%s", dirs.v[i], name);

		found = access(path, X_OK) == 0;
		free(path);
	}
	strings_free(&dirs);
	return found;
}

/* A VM with one vCPU can be made: more than that the device file opens. */
static bool kvm_works(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;

	if (kvm < 0)
		return false;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu >= 0)
		close(vcpu);
	if (vm >= 0)
		close(vm);
	close(kvm);
	return vcpu >= 0;
}

void machine_check_tools(const char *qemu, const char *accel)
{
	if (!is_program(qemu))
		die("%s not found; run 'make deps', or name it with QEMU=",
		    qemu);
	errno = 0;
	if (!strcmp(accel, "kvm") && !kvm_works())
		die("ACCEL=kvm: /dev/kvm cannot be used here (%s); use ACCEL=tcg",
		    errno ? strerror(errno) : "no such device");
}
