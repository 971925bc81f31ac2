# SPDX-License-Identifier: MIT
# Included by the top Makefile.  What is set on its command line must mean something to what is
# asked for: a misspelt name is an error, and not a run with the defaults.
VARS_MACHINE := CPUS CPU_MODEL ACCEL QEMU TIMEOUT
VARS_RUN := GUESTS MEM FILES TENANTS OVERCOMMIT $(VARS_MACHINE)
# A script of these folders says in a line "# reads: NAMES" what it looks at.
vars_of_scripts = T $(shell sed -n 's/^\# reads: //p' $(wildcard $(1)/$(or $(T),*).sh) /dev/null)

VARS_all :=
VARS_run := $(if $(T),$(call vars_of_scripts,bench/jobs),$(VARS_RUN) T)
VARS_many := $(if $(T),$(call vars_of_scripts,bench/many),GUESTS GUEST_MEM SHARED OWN MEM OVERCOMMIT $(VARS_MACHINE) T)
VARS_iso := GUESTS FILES TENANTS OVERCOMMIT
VARS_run-iso := $(VARS_RUN) UEFI
VARS_qemu := $(filter-out TIMEOUT,$(VARS_RUN))
VARS_qemu-gdb := $(VARS_qemu)
VARS_test := ACCEL QEMU
VARS_boot := T ACCEL QEMU
VARS_unit := T CK_FORK CK_DEFAULT_TIMEOUT
VARS_model := T
VARS_cli := T HARNESS
VARS_lint := T
VARS_fuzz := T N SEED DRIVER SECONDS KEEP
VARS_sim := T PARTS RESUME
VARS_mutants := T PARTS SHARD RESUME KIND
VARS_bench := $(call vars_of_scripts,bench/benches)
VARS_soak := $(call vars_of_scripts,tests/soak)
VARS_differential := CPU_MODEL QEMU TIMEOUT
VARS_gaps :=
VARS_deps :=
VARS_format :=
VARS_precommit :=
VARS_install-guest-lib := PREFIX DESTDIR
VARS_boot-mine := KERNEL INITRD WORDS GUEST_MEM GUESTS VCPUS BREAKS MEM $(VARS_MACHINE)
VARS_deb :=
VARS_replay := IMAGES
VARS_host := T CMD SSH_PORT TMPDIR MEM DOM0_MEM $(VARS_MACHINE)
VARS_clean :=
VARS_help :=

# For all: how things are built.  For a file as target nothing is known, and nothing checked.
VARS_ALWAYS := V B CC WARN NASM DEBUG TEST_BUILD
goals := $(or $(MAKECMDGOALS),all)
given := $(foreach v,$(.VARIABLES),$(if $(findstring command,$(origin $(v))),$(v)))
vars_known := $(VARS_ALWAYS) $(foreach g,$(goals),$(VARS_$(g)))
goals_unknown := $(foreach g,$(goals),$(if $(filter undefined,$(origin VARS_$(g))),$(g)))
vars_unknown := $(filter-out $(vars_known) MAKE% -%,$(given))
ifeq ($(MAKELEVEL)$(goals_unknown),0)
$(if $(vars_unknown),$(error pasture: $(firstword $(vars_unknown))= means nothing to 'make $(goals)'; what does: \
	$(or $(strip $(sort $(vars_known))))))
endif

# `make X T=list` builds nothing.
LIST := $(filter list,$(T))
unless_list = $(if $(LIST),,$(1))
