/* SPDX-License-Identifier: MIT */
/*
 * Error numbers under their plain names, from Xen's public list.  Host builds
 * use the C library's, which agree.
 */
#ifndef HV_PORT_ERRNO_H
#define HV_PORT_ERRNO_H

#define __XEN__ 1
#define XEN_ERRNO(name, value) name = value,
enum hv_errno {
#include <xen/errno.h>
};
#undef __XEN__

#endif
