/* SPDX-License-Identifier: MIT */
/*
 * Code between this and general_regs_end.h uses general registers only,
 * whatever the compiler's flags say: a fault handler that saves no vector
 * registers would lose those of the store that faulted, and the store would be
 * repeated with other bytes.
 */
#ifndef GL_GENERAL_REGS_H
#define GL_GENERAL_REGS_H

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("general-regs-only"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("general-regs-only")
#endif

#endif
