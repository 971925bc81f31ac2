# SPDX-License-Identifier: MIT
# Included by the top Makefile: what sharing would save of given pages.  share/ and hash/ as the host benches have them.
REPLAY_OBJ = $(patsubst %.c,$(B)/benchobj/%.o,$(wildcard tools/replay/*.c) bench/harness/util.c $(BENCH_SRC))
$(B)/pasture-replay: $(REPLAY_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -O2 -flto=auto -o $@ $^ -ljansson -lpthread
replay: $(B)/pasture-replay ## what sharing would save of IMAGES="[GROUP:]PATH ..", memory images or folders of files
	@$(B)/pasture-replay $(IMAGES)
.PHONY: replay
