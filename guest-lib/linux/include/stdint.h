/* SPDX-License-Identifier: MIT */
/* share.h wants <stdint.h>; in Linux these types are in <linux/types.h>. */
#include <linux/types.h>
