/* SPDX-License-Identifier: MIT */
/* The end of what general_regs.h begins. */
#ifndef GL_GENERAL_REGS_END_H
#define GL_GENERAL_REGS_END_H

#include "general_regs.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
