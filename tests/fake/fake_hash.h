/* SPDX-License-Identifier: MIT */
/*
 * Page functions whose hash is the page's first word: tests choose what
 * collides (SH22).
 */
#ifndef TESTS_FAKE_HASH_H
#define TESTS_FAKE_HASH_H

#include <hash/page.h>

extern const struct page_fns fake_hash_fns;

#endif
