/* SPDX-License-Identifier: MIT */
/*
 * Code between this and general_regs_end.h uses general registers only,
 * whatever the compiler's flags say: the guest's vector registers are live
 * while the hypervisor runs (what may use them has files of its own,
 * page_impl.h).
 */
#ifndef HASH_GENERAL_REGS_H
#define HASH_GENERAL_REGS_H

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("general-regs-only"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("general-regs-only")
#endif

#endif
