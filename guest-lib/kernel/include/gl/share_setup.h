/* SPDX-License-Identifier: MIT */
/* The sharing half joined to this library's own memory and traps. */
#ifndef GL_SHARE_SETUP_H
#define GL_SHARE_SETUP_H

#include <gl/decls.h>
#include <gl/share.h>

GL_DECLS_BEGIN

/*
 * Initialise and take over page faults (the handler that was set before gets
 * those that are not ours).  NULL: no memory.  Call once.
 */
struct gl_share *gl_share_setup(unsigned int reserve);

GL_DECLS_END

#endif
