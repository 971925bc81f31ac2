/* SPDX-License-Identifier: MIT */
/* Wait for the operator: a guest that has done its work and stays. */
#ifndef GL_HOLD_H
#define GL_HOLD_H

#include <stdint.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

/* Until the line "go" is typed, or limit_ms have passed (0: no limit). */
void gl_hold(uint64_t limit_ms);

GL_DECLS_END

#endif
