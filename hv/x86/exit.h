/* SPDX-License-Identifier: MIT */
/* How the machine is left at the end (exit=); exit_machine() is in cpu.h. */
#ifndef HV_X86_EXIT_H
#define HV_X86_EXIT_H

enum exit_mode { EXITMODE_HALT, EXITMODE_QEMU, EXITMODE_REBOOT };

void exit_set_mode(enum exit_mode mode);

#endif
