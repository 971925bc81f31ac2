# SPDX-License-Identifier: MIT
# Included by the top Makefile.  build/fuzz/NAME draws from a seed; build/cov/NAME from its
# input, compiled for AFL++, which sees what of it runs.
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
COV_CC := AFL_QUIET=1 afl-clang-fast
COV_CFLAGS = $(HOST_CFLAGS) -Wno-error
fuzz_files = $(sort tests/fuzz/$(1).c tests/fuzz/driver/$(2).c $(call links,tests/fuzz/$(1).c))
$(B)/covobj/%.o: %.c $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,COV,$@)
	$(Q)$(COV_CC) $(COV_CFLAGS) $(call page_flags,$<) -MD -MP -c -o $@ $< 2>$@.log || { cat $@.log; exit 1; }

define fuzz_target
$(B)/fuzz/$(1): $(patsubst %.c,$(B)/host/%.o,$(call fuzz_files,$(1),seed))
	@mkdir -p $$(@D)
	$(Q)$(CC) -fsanitize=address,undefined -o $$@ $$^ -lcheck -lsubunit -lrt -lm -lpthread $(CODECS)
$(B)/cov/$(1): $(patsubst %.c,$(B)/covobj/%.o,$(call fuzz_files,$(1),cov))
	@mkdir -p $$(@D)
	$(Q)$(COV_CC) -fsanitize=address,undefined -o $$@ $$^ -lm -lpthread -latomic $(CODECS)
endef
$(foreach t,$(FUZZ_NAMES),$(eval $(call fuzz_target,$(t))))
