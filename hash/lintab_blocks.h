/* SPDX-License-Identifier: MIT */
/* Inside hash/: the memory of a lintab's buckets. */
#ifndef HASH_LINTAB_BLOCKS_H
#define HASH_LINTAB_BLOCKS_H

#include <hash/lintab.h>

/* Buckets of an empty table. */
uint32_t blocks_base(const struct lintab *t);
/* The table has another shape from now on (lintab_step.c). */
void lintab_shape_set(struct lintab *t, struct lintab_shape s);
/* Memory for bucket `number`, which is the first one not there. */
bool blocks_add(struct lintab *t, uint32_t number);
/* Bucket `number`, the last one there, is empty and not needed. */
void blocks_remove(struct lintab *t, uint32_t number);

#endif
