# SPDX-License-Identifier: MIT
# Pasture.  `make help` lists the targets.  One Makefile, no recursion, but
# that `make test` asks for its parts one by one to go on after a failure.
#
# Variables: V=1 (show commands, guests' output), T=NAME (one test; T=list),
# DEBUG=1 TEST_BUILD=1 (for build/pasture; build/debug/pasture has both always),
# and for `make run`: GUESTS MEM CPUS CPU_MODEL ACCEL FILES TENANTS OVERCOMMIT QEMU TIMEOUT;
# bench/variables.mk has what means something to whom.
SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
# A job for each CPU, unless the caller has a number; `make test` sees to it itself.
ifeq ($(MAKELEVEL)$(filter test,$(MAKECMDGOALS))$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
V ?= 0
DEBUG ?= 0
TEST_BUILD ?= 0
T ?=
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' '$(1)' '$(2)')
B := build
HV := $(B)/pasture
HV_DEBUG := $(B)/debug/pasture
include bench/variables.mk
CC := gcc
NASM := nasm
QEMU ?= qemu-system-x86_64
export QEMU GUESTS MEM CPUS CPU_MODEL ACCEL FILES TENANTS OVERCOMMIT UEFI TIMEOUT V PARTS SHARD RESUME

WARN := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wpointer-arith -Wcast-qual -Wwrite-strings -Wno-unused-parameter -Werror
XEN_DEFS := -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ -D__XEN_TOOLS__
# The shell asks at each compile: before the first there may be no compiler.
GCC_INC = "$$($(CC) -print-file-name=include)"

# --- the hypervisor, twice: build/ (release) and build/debug/ (for tests) ---
HV_CFLAGS = -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem $(GCC_INC) \
	-isystem $(B)/inc -mgeneral-regs-only -mprfchw -mno-red-zone -fpie \
	-fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing $(WARN) $(XEN_DEFS) \
	-DXXH_NO_STDLIB -include hv/port/visibility.h -Ihv/port -iquote hv -Ihash/include -Ishare/include -Ihv/abi
HV_DIRS := lib debug x86 mm dom io sharing pv audit offer ctl boot
HV_SRC := $(foreach d,$(HV_DIRS),$(wildcard hv/$(d)/*.c)) \
	$(wildcard share/*.c hash/*.c)
HV_ASM := $(foreach d,$(HV_DIRS),$(wildcard hv/$(d)/*.asm))
# What lint looks into: the release's objects have no code before they are linked.
HV_OBJ := $(HV_SRC:%.c=$(B)/debug/hv/%.o) $(HV_ASM:%.asm=$(B)/debug/hv/%.asm.o)

# For debugging: frame pointers, for the traces of a panic.  For speed: optimized as
# one program when linked; a hypercall is a chain of small functions of many files.
HV_CFLAGS_1 := -fno-omit-frame-pointer
HV_CFLAGS_0 := -fomit-frame-pointer -flto=auto

# Pages with vector registers, hash/page_NAME.c: flags after all others.  Such a file is
# not part of the whole-program optimization, which would mix its code with the rest.
page_flags = $(PAGE_FLAGS_$(patsubst page_%,%,$(basename $(notdir $(1)))))
PAGE_FLAGS_sse2 := -msse2 -mno-avx -O3 -fno-lto
PAGE_FLAGS_avx2 := -mavx2 -O3 -fno-lto
PAGE_FLAGS_avx512 := -mavx512f -mavx512bw -mprefer-vector-width=512 -O3 -fno-lto

# $(1) folder, $(2) definitions, $(3) flags.  A change of either rebuilds (.flags).
define hv_build
$(1)/hv/.flags: FORCE | $(B)/.deps
	@mkdir -p $$(@D)
	@echo '$(2) $(3)' | cmp -s - $$@ || echo '$(2) $(3)' > $$@

$(1)/hv/%.o: %.c $(1)/hv/.flags $(B)/inc/.done
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$(Q)$(CC) $$(HV_CFLAGS) $(2) $(3) $$(call page_flags,$$<) -MD -MP -c -o $$@ $$<

$(1)/hv/asm_offsets.inc: hv/x86/asm_offsets.c $(1)/hv/.flags $(B)/inc/.done
	@mkdir -p $$(@D)
	$(Q)$(CC) $$(HV_CFLAGS) $(2) -MD -MP -MT $$@ -MF $(1)/hv/asm_offsets.d -S -o - $$< | \
		sed -n 's/^.*->\([A-Z0-9_]*\) \$$$$\?\([0-9-]*\).*$$$$/%define \1 \2/p' > $$@

$(1)/hv/%.asm.o: %.asm $(1)/hv/asm_offsets.inc
	@mkdir -p $$(@D)
	$$(call say,NASM,$$@)
	$(Q)$(NASM) -f elf64 -g -I$(1)/hv/ -I$(B)/guest/ -M -MT $$@ -MF $$(@:.o=.d) $$<
	$(Q)$(NASM) -f elf64 -g -Werror -I$(1)/hv/ -I$(B)/guest/ -o $$@ $$<
$(1)/hv/hv/boot/unpack_image.asm.o: $(B)/guest/unpack.elf

# QEMU's -kernel and GRUB take a 32-bit ELF; .elf64 is the same with symbols.
$(1)/pasture: $(HV_SRC:%.c=$(1)/hv/%.o) $(HV_ASM:%.asm=$(1)/hv/%.asm.o) hv/boot/pasture.lds
	$$(call say,LD,$$@)
	$(Q)$(CC) $$(HV_CFLAGS) $(3) -nostdlib -static -no-pie -Wl,--build-id=none -T hv/boot/pasture.lds \
		-Wl,-z,max-page-size=4096,-z,noexecstack,-Map,$$@.map -o $$@.elf64 $$(filter %.o,$$^)
	$(Q)objcopy -O elf32-i386 $$@.elf64 $$@
	$(Q)nm -n $$@.elf64 > $$@.sym
endef
$(eval $(call hv_build,$(B),-DDEBUG=$(DEBUG) -DTEST_BUILD=$(TEST_BUILD),$(HV_CFLAGS_$(DEBUG))))
$(eval $(call hv_build,$(B)/debug,-DDEBUG=1 -DTEST_BUILD=1,$(HV_CFLAGS_1)))

# The only headers from outside that the hypervisor sees: Xen's and xxHash's.
$(B)/inc/.done: | $(B)/.deps
	@mkdir -p $(@D)
	@ln -sfn /usr/include/xen $(@D)/xen
	@ln -sfn /usr/include/xxhash.h $(@D)/xxhash.h
	@touch $@

# Packages: looked for once, installed if missing.
$(B)/.deps: .ci/deps.sh
	@mkdir -p $(@D)
	@.ci/deps.sh && touch $@

# --- guests: build/guest/NAME.elf; GUEST_KERNELS lists them ---
-include guest-lib/guest.mk
$(GUEST_LIB_OBJ): | $(B)/.deps
include bench/linux/linux.mk bench/host.mk debian/deb.mk tools/tools.mk

# --- the harness ---
# libarchive undoes them, tests make them; who needs none is linked with none.
CODECS := -Wl,--as-needed -larchive -lz -lbz2 -llzma -lzstd -llz4
HARNESS_SRC := $(wildcard bench/harness/*.c)
HARNESS_CFLAGS := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -iquote bench -iquote . -isystem $(B)/inc
$(B)/bench/%.o: bench/%.c | $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HARNESS_CFLAGS) -MD -MP -c -o $@ $<

$(B)/harness: $(HARNESS_SRC:%.c=$(B)/%.o) $(TOOLS_SHARED:%.c=$(B)/%.o)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ -larchive -ljansson

# --- host unit tests; near the top of tests/unit/NAME.c: // links: FILE... ---
HOST_CFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -Wall -Wextra -Wno-unused-parameter -Werror $(XEN_DEFS) -D_GNU_SOURCE \
	-Itests/port -iquote hv -iquote tests -iquote . -iquote bench -Ihv/abi -Ihash/include -Ishare/include \
	-Itests/unit/check $(GUEST_INC) -isystem $(B)/inc -DDEBUG=1 -DTEST_BUILD=1
UNIT_NAMES := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
$(B)/host/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,HOST,$@)
	$(Q)$(CC) $(HOST_CFLAGS) $(call page_flags,$<) -MD -MP -c -o $@ $<

# A name without a file stays in the list, so that make says which is missing.
# @NAME stands for the files that tests/fake/NAME.links lists.
LINKS := $(shell awk 'FNR > 3 { nextfile } sub(/^.*links: */, "") { sub(/ *\*\/ *$$/, ""); gsub(/ +/, "|"); print FILENAME ":" $$0 }' \
	tests/*/*.[ch])
names = $(subst |, ,$(patsubst $(1):%,%,$(filter $(1):%,$(LINKS))))
files = $(foreach f,$(1),$(if $(filter @%,$(f)),$(file < tests/fake/$(f:@%=%).links),$(f)))
links = $(foreach f,$(call files,$(call names,$(1))),$(or $(wildcard $(f)),$(f)))
define unit_test
$(B)/unit/$(1): $(patsubst %.c,$(B)/host/%.o,tests/unit/$(1).c $(sort $(call links,tests/unit/$(1).c)))
	@mkdir -p $$(@D)
	$(Q)$(CC) -fsanitize=address,undefined -o $$@ $$^ -lcheck -lsubunit -lrt -lm -lpthread $(CODECS)
endef
$(foreach t,$(UNIT_NAMES),$(eval $(call unit_test,$(t))))

# --- host benches: bench/host/NAME.c with share/ and hash/, built as a release is ---
BENCH_CFLAGS := -std=gnu11 -O2 -mprfchw -g -fno-strict-aliasing -fno-stack-protector -flto=auto $(WARN) $(XEN_DEFS) \
	-D_GNU_SOURCE -DXXH_NO_STDLIB -DDEBUG=0 -DTEST_BUILD=0 -Itests/port -iquote hv -iquote . -iquote bench \
	-Ihv/abi -Ihash/include -Ishare/include -isystem $(B)/inc
BENCH_SRC := $(wildcard share/*.c hash/*.c) bench/host/machine.c bench/host/port.c
$(B)/benchobj/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) $(call page_flags,$<) -MD -MP -c -o $@ $<

$(B)/bench/host/share-vs-ksm: $(B)/benchobj/bench/host/ksm.o
$(B)/bench/host/%: $(B)/benchobj/bench/host/%.o $(BENCH_SRC:%.c=$(B)/benchobj/%.o)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -flto=auto -o $@ $^ -lpthread
include tests/sim/sim.mk tests/threads/threads.mk tests/fuzz/fuzz.mk tools/replay.mk

# --- targets ---
all: $(HV) $(HV_DEBUG) $(B)/harness $(B)/pasturectl $(B)/pasture-replay $(GUEST_KERNELS) ## build everything (default)
run: $(call unless_list,$(HV) $(B)/harness $(GUEST_KERNELS) $(B)/files/.kernel)
run: ## 8 guests share files (T=NAME another job, T=list)
	@$(if $(T),bench/run-named.sh job bench/jobs $(T),$(B)/harness run)
many: $(call unless_list,$(HV) $(B)/harness $(GUEST_KERNELS)) ## 200 guests of 8 MiB in 4 GiB (T=linux: Linux guests)
	@$(if $(T),bench/run-named.sh job bench/many $(T),$(B)/harness many)
iso: $(B)/pasture.iso ## a CD image, for BIOS and UEFI, that does what `make run` does
run-iso: $(B)/pasture.iso ## boot that CD image in QEMU and judge the result (UEFI=1 by UEFI)
	@$(B)/harness run --iso $<
test: ## every test; the last line is "N passed, N failed"
	@tests/run-all.sh $(MAKE)
unit: $(call unless_list,$(B)/inc/.done) ## host unit tests (T=NAME one, T=list)
	@tests/run-unit.sh $(MAKE) $(or $(T),$(UNIT_NAMES))
boot: ## boot tests in QEMU (T=NAME one with its variants, T=NAME:VARIANT one of them, T=list)
boot: $(call unless_list,$(LINUX_BOOT) $(HV_DEBUG) $(B)/harness $(GUEST_KERNELS) $(B)/guest/bad.done)
	@$(if $(LIST),bash tests/list-boot.sh,$(B)/harness boot-test $(T))
model: $(call unless_list,$(B)/.deps) ## check the SPIN models and that their wrong variants fail (T=NAME one, T=list)
	@tests/model/run.sh $(T)
cli: $(call unless_list,$(HV) $(HV_DEBUG) $(B)/harness $(B)/pasturectl $(B)/pasture-replay $(GUEST_KERNELS))
cli: ## what the tools say to a user's mistakes (T=NAME one, T=list)
	@tests/cli/run.sh $(T)
lint: $(call unless_list,$(HV_DEBUG) $(GUEST_CORE_OBJ) $(B)/inc/.done) ## layers, headers, symbols, style (T=NAME one)
	@HV_CC="$(CC) $(HV_CFLAGS) -DDEBUG=1 -DTEST_BUILD=1" HOST_CC="$(CC) $(HOST_CFLAGS)" \
		GUEST_CC="$(CC) $(GUEST_CFLAGS) $(GUEST_INC)" SHARE_OBJ="$(filter $(B)/debug/hv/share/% $(B)/debug/hv/hash/%,$(HV_OBJ))" HV_OBJ="$(HV_OBJ)" CORE_OBJ="$(GUEST_CORE_OBJ)" tests/lint/run.sh $(T)
bench: $(call unless_list,all) ## every measurement, with tables, JSON and pictures in build/bench (T=NAME one, T=list)
	@bench/run-named.sh bench bench/benches $(T)
fuzz: $(call unless_list,$(B)/inc/.done) ## fuzz the core (T=NAME one; N= SEED=, or by AFL++ DRIVER=cov SECONDS= KEEP=1)
	@COV_SECONDS='$(SECONDS)' tests/fuzz/run.sh $(MAKE) $(T)
mutants: $(call unless_list,$(B)/inc/.done) ## faults that tests must see (T=NAME one, T=list; PARTS= SHARD= RESUME=)
	@tests/mutants/run.sh $(MAKE) $(T)
sim: $(call unless_list,$(B)/sim/sim $(B)/sim/triples) ## all schedules of all pairs of calls (T=A,B, triples, list, ..)
	@tests/sim/run.sh $(T)
soak: $(call unless_list,all $(B)/files/.kernel) ## long runs (T=NAME one, T=list)
	@bench/run-named.sh soak tests/soak $(T)
differential: all ## the numbered attacks here and on Debian's Xen 4.17, side by side
	@bash tests/differential/run.sh
gaps: ## list the known gaps that the sources admit
	@grep -rn 'GAP:' --include='*.[ch]' --include='*.asm' hv share hash guest-lib tests bench || echo "no gaps"
deps: ## install the packages that are missing
	@mkdir -p $(B) && .ci/deps.sh && touch $(B)/.deps
qemu: $(HV_DEBUG) $(B)/harness $(GUEST_KERNELS) $(B)/files/.kernel ## the debug build, on this terminal
	@$(B)/harness run --interactive --pasture $(HV_DEBUG) || [ $$? = 33 ] # all is well: hv/x86/exit.c
qemu-gdb: $(HV_DEBUG) $(B)/harness $(GUEST_KERNELS) $(B)/files/.kernel ## the same, waiting for gdb -x build/gdbinit
	@$(B)/harness run --interactive --gdb --pasture $(HV_DEBUG) || [ $$? = 33 ] # the same
format: ## put the sources in the house format
	@command -v clang-format-14 >/dev/null || { echo "pasture: apt-get install clang-format-14"; exit 1; }
	@git ls-files '*.[ch]' | xargs clang-format-14 -i
precommit: lint all unit ## what to run before a commit: lint, builds, unit tests, canary
	@$(B)/harness boot-test canary
clean: ## remove build/
	rm -rf $(B)
help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile */*.mk | expand -t 12

# Guest kernels with one fault each, for tests/boot/refuse-*; and a module too big.
$(B)/guest/bad.done: tests/boot/bad-elfs.sh $(B)/guest/minimal.elf
	@sh $< $(B)/guest/minimal.elf $(@D)
	@truncate -s 70M $(@D)/huge.bin
	@touch $@

# What is on the image: other options, or other files, make another one.
$(B)/iso.options: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$GUESTS $$TENANTS $$OVERCOMMIT $$FILES" "$$(stat -c '%n %Y %s' $$FILES 2>&1)" >$@.new
	@cmp -s $@.new $@ || mv $@.new $@

$(B)/pasture.iso: $(HV) $(B)/harness $(GUEST_KERNELS) $(B)/files/.kernel $(B)/iso.options
	@rm -rf $(B)/iso $(B)/iso.links
	@$(B)/harness run --prepare $(B)/iso.links
	@cp -rL $(B)/iso.links $(B)/iso
	@bench/iso.sh $(B)/iso $@
	@echo "pasture: $@ ($$(( $$(stat -c %s $@) >> 20 )) MiB)"

$(B)/files/.kernel: | $(B)/.deps
	@.ci/kernel.sh $(B)/files/vmlinuz
	@mkdir -p $(@D) && touch $@

FORCE:
-include $(shell find $(B) -path $(B)/packages -prune -o -name '*.d' -type f -print 2>/dev/null)
.PHONY: FORCE all run many iso run-iso test unit model boot cli lint bench fuzz mutants sim soak \
	differential gaps deps qemu qemu-gdb format precommit clean help
