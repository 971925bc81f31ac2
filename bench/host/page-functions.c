/* SPDX-License-Identifier: MIT */
/*
 * Nanoseconds of each page function in each way that this CPU has, and what
 * would be chosen.
 */
#include <stdio.h>

#include <hash/choose.h>
#include "bench/host/machine.h"

static const char *const names[PAGE_FNS] = {
	[PAGE_FN_HASH] = "hash", [PAGE_FN_EQUAL] = "equal",
	[PAGE_FN_IS_ZERO] = "zero", [PAGE_FN_COPY] = "copy",
	[PAGE_FN_CLEAR] = "clear",
};

int main(void)
{
	struct page_costs costs;
	struct page_choice choice;

	bench_page_costs(&costs);
	page_choose(&choice, &costs, 1);
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++) {
		printf("%s", names[fn]);
		for (enum page_variant v = 0; v < PAGE_VARIANTS; v++)
			if (costs.call[v][fn] == PAGE_NOT_THERE)
				printf(" -");
			else
				printf(" %.1f", (double)costs.call[v][fn] /
						PAGE_COST_CALLS);
		printf(" %s\n", page_variant_name(choice.of[fn]));
	}
	return 0;
}
