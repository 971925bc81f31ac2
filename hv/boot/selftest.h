/* SPDX-License-Identifier: MIT */
#ifndef HV_BOOT_SELFTEST_H
#define HV_BOOT_SELFTEST_H

/* Make the named mistake of our own, to test what follows; "" makes none. */
void selftest(const char *name);

#endif
