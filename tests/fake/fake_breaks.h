/* SPDX-License-Identifier: MIT */
/*
 * What tests of breaks begin with: two domains of one group, pages of known
 * content, offers by va.  The calls are made by d.
 */
#ifndef TESTS_FAKE_BREAKS_H
#define TESTS_FAKE_BREAKS_H

#include "abi/share.h"
#include "fake/fake_machine.h"
#include "x86/pte.h"

#define RW (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RO (PTE_P | PTE_US | PTE_A)
#define WRITE 3u		/* a page fault's error code */
#define LIST_PAGES 2		/* of FAKE_PAGES numbers */
#define BOTH (SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST)

extern struct domain *d, *peer;
extern uint64_t p;		/* pfn of a run of plain pages */
/* pages that are never offered; list: two, with the p2m */
extern uint64_t scratch, list;

void setup(void);
/* both end; the counts, and every frame is back */
void teardown(void);

void fill(struct domain *dom, uint64_t pfn, uint64_t content);
bool filled(const void *at, uint64_t content);
long map(uint64_t pfn, pte_t e);
bool writable(uint64_t pfn);	/* and private */
long mode_call(uint32_t version, uint32_t flags, uint64_t p2m,
	       uint64_t entries);
/* With the list, of version 1: offers leave it to the guest. */
void break_first(void);
uint64_t *name_of(uint64_t pfn);	/* in the list */
/* The named entries are offered together (second: 0, none); the status. */
int offer(uint64_t first, uint64_t second);
/* The peer shares its page `pfn` with this content; the frame. */
mfn_t peer_offers(uint64_t pfn, uint64_t content);
/* Page `pfn` of d, with this content, is shared; and by peer too if asked. */
mfn_t shared(uint64_t pfn, uint64_t content, bool others);
/* p and p + 1, p + 2 map one page, the last read-only; it is shared. */
mfn_t aliases(uint64_t content, bool others);
/* Two pages' entries map one page of some content, and are offered together. */
void alias(uint64_t pfn, uint64_t second);
struct shareop_info info(void);
/*
 * XENMEM_*_reservation `op` of so many pages, one by one: these, or NULL.  The
 * result.
 */
long reservation(unsigned int op, unsigned int count, const mfn_t *mfns);
void fill_quota(void);

#endif
