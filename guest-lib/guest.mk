# SPDX-License-Identifier: MIT
# Included by the top Makefile.  Builds the guest library and one kernel for each folder of
# guest-lib/examples, tests/boot and bench/boot that has C files: $(B)/guest/NAME.elf.
G := $(B)/guest
GUEST_LIB := $(G)/libpasture-guest.a
GUEST_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem $(GCC_INC) \
	-isystem $(B)/inc -mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie \
	-fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fno-omit-frame-pointer $(WARN) $(XEN_DEFS) \
	-Ihv/abi -iquote bench/harness -iquote tests/boot

# The library's rooms, and the rooms whose headers each of them sees; a kernel sees all.
GUEST_ROOMS := core kernel grants xencomm
SEES_core := core
SEES_kernel := core kernel
SEES_grants := core kernel grants
SEES_xencomm := core kernel xencomm
GUEST_INC := $(GUEST_ROOMS:%=-Iguest-lib/%/include)
room = $(word 2,$(subst /, ,$(filter guest-lib/%,$<)))
room_inc = $(patsubst %,-Iguest-lib/%/include,$(or $(SEES_$(room)),$(GUEST_ROOMS)))

GUEST_LIB_SRC := $(foreach r,$(filter-out core,$(GUEST_ROOMS)),$(wildcard guest-lib/$(r)/*.c))
GUEST_LIB_OBJ := $(GUEST_LIB_SRC:%.c=$(G)/%.o) \
	$(patsubst %.asm,$(G)/%.asm.o,$(wildcard guest-lib/kernel/*.asm))
GUEST_DIRS := $(sort $(dir $(wildcard guest-lib/examples/*/*.c tests/boot/*/*.c bench/boot/*/*.c)))
GUEST_KERNELS := $(foreach d,$(GUEST_DIRS),$(G)/$(notdir $(d:/=)).elf)

# The sharing half links into any kernel, at any address (make lint T=undefined), and is one object, so that
# the names that its files have for each other are no names of the library.
GUEST_CORE_OBJ := $(patsubst %.c,$(G)/%.o,$(wildcard guest-lib/core/*.c))
$(GUEST_CORE_OBJ): GUEST_CFLAGS += -fpie
GUEST_SHARE_OBJ := $(G)/pasture-share.o
GUEST_SHARE_LIB := $(G)/libpasture-share.a

guest: $(GUEST_LIB) $(GUEST_SHARE_LIB) $(GUEST_KERNELS)

$(G)/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) $(room_inc) -MD -MP -c -o $@ $<

$(G)/%.asm.o: %.asm
	@mkdir -p $(@D)
	$(call say,NASM,$@)
	$(Q)$(NASM) -f elf64 -g -Werror -o $@ $<

$(GUEST_SHARE_OBJ): $(GUEST_CORE_OBJ)
	$(Q)ld -r -o $@ $^
	$(Q)objcopy --localize-hidden $@

$(GUEST_SHARE_LIB): $(GUEST_SHARE_OBJ)
$(GUEST_LIB): $(GUEST_LIB_OBJ) $(GUEST_SHARE_OBJ)
$(GUEST_LIB) $(GUEST_SHARE_LIB):
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcs $@ $^

PREFIX ?= /usr/local
install-guest-lib: $(GUEST_LIB) $(GUEST_SHARE_LIB) ## the guest library for other kernels (PREFIX=/usr/local DESTDIR=)
	@guest-lib/install.sh $(G) '$(PREFIX)' '$(DESTDIR)'
boot-mine: $(HV) $(B)/harness ## your own PV kernel as guests on Pasture (KERNEL=FILE; docs/your-kernel.md)
	@bash bench/boot-mine.sh

define guest_kernel_rule
$(G)/$(notdir $(1:/=)).elf: $(patsubst %.c,$(G)/%.o,$(wildcard $(1)*.c)) \
		$(patsubst %.asm,$(G)/%.asm.o,$(wildcard $(1)*.asm)) \
		$(GUEST_LIB) guest-lib/kernel/guest.lds
	$$(call say,LD,$$@)
	$(Q)ld -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
		-T guest-lib/kernel/guest.lds -o $$@ $$(filter %.o,$$^) $(GUEST_LIB) $$(GUEST_LIBS)
endef
$(foreach d,$(GUEST_DIRS),$(eval $(call guest_kernel_rule,$(d))))

# What unpacks the first domain's kernel, a part of the hypervisor's image.  Libraries for programs, whose
# headers are a C library's.
$(eval $(call guest_kernel_rule,guest-lib/unpack/))
$(patsubst %.c,$(G)/%.o,$(wildcard guest-lib/unpack/*.c)): GUEST_CFLAGS := $(filter-out -nostdinc,$(GUEST_CFLAGS))
$(G)/unpack.elf: GUEST_LIBS = -s $(foreach l,lzma zstd z lz4,"$$($(CC) -print-file-name=lib$(l).a)")

# The sharing half again, as a kernel's own build may compile it: with vector registers.
$(G)/vectors/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -mgeneral-regs-only,$(GUEST_CFLAGS)) $(room_inc) -O3 -msse2 -MD -MP -c -o $@ $<

$(G)/vector-store.elf: $(GUEST_CORE_OBJ:$(G)/%=$(G)/vectors/%)

# It counts the hypervisor's own page functions.
$(G)/bench/boot/bench-offers/main.o: GUEST_CFLAGS += -Ihash/include
$(G)/bench-offers.elf: $(B)/hv/hash/page_sse2.o

-include $(shell find $(G) -name '*.d' 2>/dev/null)
.PHONY: guest install-guest-lib boot-mine
