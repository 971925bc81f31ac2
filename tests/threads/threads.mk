# SPDX-License-Identifier: MIT
# Included by the top Makefile: the simulator's machine, its CPUs real threads, under ThreadSanitizer.
THREADS_CFLAGS = $(subst tests/sim/fake,tests/threads/fake,$(SIM_CFLAGS)) -DSIM_PER_THREAD=__thread
THREADS_TSAN := -fsanitize=thread -Wno-tsan --param tsan-distinguish-volatile=1
THREADS_OBJ = $(patsubst %.c,$(B)/threads/%.o,$(SIM_MACHINE) $(SIM_FAKES) \
	$(wildcard tests/sim/ops*.c) tests/sim/state.c tests/sim/vcpus.c $(wildcard tests/threads/*.c))
$(B)/threads/tests/threads/%.o: tests/threads/%.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(THREADS_CFLAGS) -MD -MP -c -o $@ $<
$(B)/threads/tests/sim/%.o: tests/sim/%.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(THREADS_CFLAGS) $(THREADS_TSAN) -MD -MP -c -o $@ $<
# Copies to and from a guest's memory, which it may change meanwhile, are not looked at.
$(B)/threads/tests/%.o: tests/%.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(Q)$(CC) $(THREADS_CFLAGS) $(if $(filter fake/fake_cpu,$*),,$(THREADS_TSAN)) \
		-fPIC -fsemantic-interposition -MD -MP -c -o $@ $<
	$(Q)objcopy --weaken $@
$(B)/threads/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,TSAN,$@)
	$(Q)$(CC) $(THREADS_CFLAGS) $(THREADS_TSAN) $(call page_flags,$<) -MD -MP -c -o $@ $<
$(B)/threads/threads: $(THREADS_OBJ)
	$(Q)$(CC) -fsanitize=thread -o $@ $^ -Wl,--wrap=reaper_step -lpthread $(CODECS)
sim: $(patsubst quick,$(B)/threads/threads,$(filter quick,$(T)))
