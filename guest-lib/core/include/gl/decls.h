/* SPDX-License-Identifier: MIT */
/* Each header's declarations stand between these two: C++ kernels link, too. */
#ifndef GL_DECLS_H
#define GL_DECLS_H

#ifdef __cplusplus
#define GL_DECLS_BEGIN extern "C" {
#define GL_DECLS_END }
#else
#define GL_DECLS_BEGIN
#define GL_DECLS_END
#endif

#endif
