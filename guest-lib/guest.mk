# SPDX-License-Identifier: MIT
# Included by the top Makefile.  Builds the guest library and one kernel for each folder of
# guest-lib/examples, tests/boot and bench/boot that has C files: $(B)/guest/NAME.elf.
G := $(B)/guest
GUEST_LIB := $(G)/libpasture-guest.a
GUEST_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem $(GCC_INC) \
	-isystem $(B)/inc -mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie \
	-fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fno-omit-frame-pointer $(WARN) $(XEN_DEFS) \
	-Iguest-lib/include -Ihv/abi -iquote bench/harness -iquote tests/boot

GUEST_LIB_OBJ := $(patsubst %.c,$(G)/%.o,$(wildcard guest-lib/*.c)) \
	$(patsubst %.asm,$(G)/%.asm.o,$(wildcard guest-lib/*.asm))
GUEST_DIRS := $(sort $(dir $(wildcard guest-lib/examples/*/*.c tests/boot/*/*.c bench/boot/*/*.c)))
GUEST_KERNELS := $(foreach d,$(GUEST_DIRS),$(G)/$(notdir $(d:/=)).elf)

# The sharing half must link into any kernel: it may need only what is listed.
GUEST_SHARE_OBJ := $(foreach f,share record cow reserve alone repay,$(G)/guest-lib/$(f).o)
GUEST_SHARE_MAY_NEED := memset|memcpy

guest: $(GUEST_LIB) $(GUEST_KERNELS) $(G)/share-alone.ok

$(G)/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) -MD -MP -c -o $@ $<

$(G)/%.asm.o: %.asm
	@mkdir -p $(@D)
	$(call say,NASM,$@)
	$(Q)$(NASM) -f elf64 -g -Werror -o $@ $<

$(GUEST_LIB): $(GUEST_LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcs $@ $^

$(G)/share-alone.ok: $(GUEST_SHARE_OBJ)
	$(Q)ld -r -o $(G)/share-alone.o $^
	@! nm -u $(G)/share-alone.o | grep -vwE '$(GUEST_SHARE_MAY_NEED)' || \
		{ echo "the sharing half needs more than it may"; exit 1; }
	@touch $@

define guest_kernel_rule
$(G)/$(notdir $(1:/=)).elf: $(patsubst %.c,$(G)/%.o,$(wildcard $(1)*.c)) \
		$(patsubst %.asm,$(G)/%.asm.o,$(wildcard $(1)*.asm)) \
		$(GUEST_LIB) guest-lib/guest.lds
	$$(call say,LD,$$@)
	$(Q)ld -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
		-T guest-lib/guest.lds -o $$@ $$(filter %.o,$$^) $(GUEST_LIB)
endef
$(foreach d,$(GUEST_DIRS),$(eval $(call guest_kernel_rule,$(d))))

# The sharing half again, as a kernel's own build may compile it: with vector registers.
$(G)/vectors/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -mgeneral-regs-only,$(GUEST_CFLAGS)) -O3 -msse2 -MD -MP -c -o $@ $<

$(G)/vector-store.elf: $(GUEST_SHARE_OBJ:$(G)/%=$(G)/vectors/%)

-include $(shell find $(G) -name '*.d' 2>/dev/null)
.PHONY: guest
