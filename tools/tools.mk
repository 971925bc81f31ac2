# SPDX-License-Identifier: MIT
# Included by the top Makefile: build/pasturectl, and what the harness has of it.
TOOLS_SHARED := tools/client.c tools/model.c tools/screen.c
TOOLS_SRC := $(wildcard tools/*.c) bench/harness/util.c
$(B)/tools/%.o: tools/%.c | $(B)/inc/.done
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HARNESS_CFLAGS) $(XEN_DEFS) -MD -MP -c -o $@ $<

$(B)/pasturectl: $(TOOLS_SRC:%.c=$(B)/%.o)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ -ljansson -lxencall
