/* SPDX-License-Identifier: MIT */
/*
 * What a kernel starts with.  start.asm enters gl_start(), which sets up in
 * this order: the vCPU's own data, shared info, console, traps, events, memory;
 * then calls gl_main(), which the kernel defines.  When that returns the domain
 * powers off.
 */
#ifndef GL_START_H
#define GL_START_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

extern struct start_info *gl_start_info;	/* constant after start */
/* the hypervisor's frame, mapped over a page of ours */
extern struct shared_info gl_shared_info;

void gl_main(void);

/*
 * SIF_INITDOMAIN: first domain on real Xen, or a domain without a console ring.
 */
static inline bool gl_is_dom0(void)
{
	return gl_start_info->flags & SIF_INITDOMAIN;
}

/* This domain's number, or DOMID_INVALID if the hypervisor does not tell. */
domid_t gl_domid(void);

/* Command line words NAME=VALUE. */
bool gl_cmdline_text(const char *name, char *out, unsigned int bytes);
uint64_t gl_cmdline_u64(const char *name, uint64_t otherwise);

GL_DECLS_END

#endif
