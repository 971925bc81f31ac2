# SPDX-License-Identifier: MIT
# Pasture. `make help` lists the targets.
DEBUG ?= 1
TEST_BUILD ?= 0
CC := gcc
NASM := nasm
B := build

GCC_INC := $(shell $(CC) -print-file-name=include)
XEN_DEFS := -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
WARN := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wpointer-arith -Wcast-qual -Wwrite-strings -Wno-unused-parameter -Werror
HV_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem $(GCC_INC) \
	-isystem $(B)/inc -mgeneral-regs-only -mno-red-zone -fpie \
	-fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fno-omit-frame-pointer $(WARN) $(XEN_DEFS) \
	-DDEBUG=$(DEBUG) -DTEST_BUILD=$(TEST_BUILD) -DXXH_NO_STDLIB \
	-include hv/port/visibility.h -Ihv/port -iquote hv -Ihash/include -Ishare/include -Ihv/abi

HV_DIRS := lib debug x86 mm dom pv sharing boot
HV_SRC := $(foreach d,$(HV_DIRS),$(wildcard hv/$(d)/*.c)) $(wildcard share/*.c) $(wildcard hash/*.c)
HV_ASM := $(foreach d,$(HV_DIRS),$(wildcard hv/$(d)/*.asm))
HV_OBJ := $(HV_SRC:%.c=$(B)/hv/%.o) $(HV_ASM:%.asm=$(B)/hv/%.asm.o)

all: $(B)/pasture

# The only headers from outside that the hypervisor sees: Xen's and xxHash's.
$(B)/inc/.done:
	@mkdir -p $(B)/inc
	@ln -sfn /usr/include/xen $(B)/inc/xen
	@ln -sfn /usr/include/xxhash.h $(B)/inc/xxhash.h
	@touch $@

$(B)/hv/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MD -MP -c -o $@ $<

$(B)/hv/asm_offsets.inc: hv/x86/asm_offsets.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MD -MP -MF $@.d -MT $@ -S -o - $< | sed -n 's/^.*->\([A-Z0-9_]*\) \$$\?\([0-9-]*\).*$$/%define \1 \2/p' > $@

$(B)/hv/%.asm.o: %.asm $(B)/hv/asm_offsets.inc
	@mkdir -p $(@D)
	$(NASM) -f elf64 -g -I$(B)/hv/ -M -MT $@ -MF $@.d $<
	$(NASM) -f elf64 -g -Werror -I$(B)/hv/ -o $@ $<

$(B)/pasture: $(HV_OBJ) hv/boot/pasture.lds
	ld -nostdlib -static -z max-page-size=4096 -z noexecstack -T hv/boot/pasture.lds -Map $@.map -o $@.elf64 $(HV_OBJ)
	objcopy -O elf32-i386 $@.elf64 $@
	nm -n $@.elf64 > $@.sym

-include $(shell find $(B)/hv -name '*.d' 2>/dev/null)
.PHONY: all
