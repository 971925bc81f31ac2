# SPDX-License-Identifier: MIT
# Included by the top Makefile: the simulator.  The sources of @machine, each access a call (tests/sim/sim.h).
SIM_CFLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-field-initializers -Werror $(XEN_DEFS) -D_GNU_SOURCE \
	-Itests/port -iquote tests/sim/fake -iquote hv -iquote tests -iquote . -Ihv/abi \
	-Ihash/include -Ishare/include -isystem $(B)/inc -DDEBUG=1 -DTEST_BUILD=1 -DFAKE_PAGES=256u \
	-DHV_LIB_STRING_PLAIN
SIM_SWITCHED := -fsanitize=thread -Wno-tsan --param tsan-distinguish-volatile=1 \
	-fno-builtin-memcpy -fno-builtin-memmove -fno-builtin-memset -fno-builtin-memcmp
SIM_MACHINE = $(sort $(filter-out tests/%,$(call links,tests/sim/sim.h)) \
	hv/x86/tlb.c hv/dom/evtchn.c hv/dom/evtchn_pirq.c hv/dom/op_evtchn.c hv/pv/op_vcpu.c hv/pv/vcpu_context.c \
	hv/dom/vcpu.c hv/ctl/op_domctl.c hv/ctl/op_sysctl.c hv/ctl/sysctl_info.c hv/ctl/create.c hv/ctl/settings.c \
	hv/ctl/cpu_policy.c hv/ctl/domain_info.c hv/ctl/cpu_map.c hv/ctl/op_xsm.c hv/pv/cpuid.c $(wildcard hv/dom/sched*.c) \
	hv/dom/op_sched.c hv/dom/timer.c hv/lib/pheap.c \
	hv/io/pirq.c hv/io/ioapic.c hv/io/msi.c hv/io/vector.c hv/io/pciconf.c hv/io/ioport.c hv/io/cmos.c \
	hv/pv/op_physdev.c hv/pv/physdev_device.c)
SIM_FAKES = $(filter-out %/fake_tlb.c %/fake_evtchn.c,$(filter tests/%,$(call links,tests/sim/sim.h))) \
	tests/fake/fake_grants.c tests/fake/fake_context.c
SIM_OBJ = $(patsubst %.c,$(B)/sim/%.o,$(SIM_MACHINE) $(SIM_FAKES) $(wildcard tests/sim/*.c))
$(B)/sim/tests/sim/%.o: tests/sim/%.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) $(if $(filter state ops% vcpus,$*),$(SIM_SWITCHED)) -MD -MP -c -o $@ $<
# What the simulator has its own of, or the real thing, steps aside.
$(B)/sim/tests/%.o: tests/%.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) $(SIM_SWITCHED) -fPIC -fsemantic-interposition -MD -MP -c -o $@ $<
	$(Q)objcopy --weaken $@
$(B)/sim/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,SIM,$@)
	$(Q)$(CC) $(SIM_CFLAGS) $(SIM_SWITCHED) $(call page_flags,$<) -MD -MP -c -o $@ $<
# The same with three CPUs.
$(B)/sim/three/%.o: tests/sim/%.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) -DSIM_CPUS=3 $(if $(filter state ops% vcpus,$*),$(SIM_SWITCHED)) -MD -MP -c -o $@ $<
$(B)/sim/triples: $(SIM_OBJ:$(B)/sim/tests/sim/%=$(B)/sim/three/%)
$(B)/sim/sim: $(SIM_OBJ)
$(B)/sim/sim $(B)/sim/triples:
	$(Q)$(CC) -o $@ $^ -Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset,--wrap=memcmp,--wrap=port_spin \
		-Wl,--wrap=reaper_step,--wrap=stop_machine_begin,--wrap=stop_machine_end,--wrap=stop_wait \
		$(foreach f,lock unlock lock_pair unlock_pair is_locked trylock,-Wl,--wrap=spin_$f) $(CODECS)
