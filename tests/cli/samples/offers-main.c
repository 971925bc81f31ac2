/* SPDX-License-Identifier: MIT */
/* A kernel around the page's sample "offers": offer, write, stop. */
#include <pasture/console.h>
#include <pasture/memory.h>
#include <pasture/start.h>

#define PAGES 40

long sharing_begin(uint64_t *mfn_list, uint64_t nr_pages);
long sharing_offer(void *start, size_t bytes);
long sharing_stop(void *start, uint64_t pfn, size_t bytes);

void gl_main(void)
{
	uint64_t va = gl_pages_alloc(PAGES);
	volatile uint64_t *p = (volatile uint64_t *)va;
	long begun, offered, stopped;

	for (unsigned int i = 0; i < PAGES * 512; i++)
		p[i] = i;
	begun = sharing_begin((uint64_t *)gl_start_info->mfn_list,
			      gl_pages_total());
	offered = sharing_offer((void *)va, PAGES * 4096);
	p[5] = 55;
	stopped = sharing_stop((void *)va, gl_virt_to_pfn(va), PAGES * 4096);
	gl_printf("begun %ld offered %ld stopped %ld words %lu %lu\n", begun,
		  offered, stopped, p[5], p[6]);
}
