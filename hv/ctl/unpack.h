/* SPDX-License-Identifier: MIT */
/*
 * The first domain's kernel as Linux's distributions ship it, a bzImage: it is
 * unpacked by a domain of its own that ends before the first one is built.
 */
#ifndef HV_CTL_UNPACK_H
#define HV_CTL_UNPACK_H

#include "ctl/config.h"
#include "dom/domain.h"

/*
 * If `first`, which is not built yet, has such a kernel, note it: true, and
 * *bytes, what the kernel takes for a while beside all domains' memory.  False
 * with err[0] = 0: it is no bzImage.  Else err is a sentence.
 */
bool unpack_plan(struct domain_config *first, uint64_t *bytes, char *err,
		 size_t err_bytes);
/*
 * Build that domain, of the kernel `unpacker`.  `then` is called on any CPU,
 * with no lock held, when it is gone: why is NULL, and first->kernel is the
 * content; or it says what failed.  When `then` returns, the content goes.
 * False: nothing was planned.
 */
bool unpack_begin(const struct boot_module *unpacker,
		  void (*then)(const char *why));

/* For lives.c: d, which has shut down, or a configuration, is ours. */
bool unpack_is(const struct domain_config *config);
void unpack_take(struct domain *d);
void unpack_over(void);

#endif
