/* SPDX-License-Identifier: MIT */
/*
 * In place of hv/io/pirq.c, where nothing is asked of it but that it is called.
 */
#ifndef TESTS_FAKE_PIRQ_H
#define TESTS_FAKE_PIRQ_H

#include "dom/domain.h"

/* how often pirq_end() was called, and how many pages the domain had last */
extern unsigned int fake_pirq_ends;
extern uint64_t fake_pirq_end_pages;

#endif
