/* SPDX-License-Identifier: MIT */
#ifndef HV_DEBUG_PANIC_H
#define HV_DEBUG_PANIC_H

#include "lib/types.h"

/*
 * Our own fault: stop the other CPUs, print the message, this CPU's registers
 * and the lock levels it holds, leave with a non-zero exit code
 * (exit_machine()).
 */
void panic(const char *fmt, ...) noreturn printf_like(1, 2);

#endif
