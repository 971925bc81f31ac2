/* SPDX-License-Identifier: MIT */
/* Kernel images as files: what bzimage.h does, with the user's mistakes. */
#ifndef HARNESS_KERNEL_FILE_H
#define HARNESS_KERNEL_FILE_H

#include "harness/bzimage.h"
#include "harness/util.h"

/* The whole file, to be freed; dies if it cannot be read. */
uint8_t *file_read(const char *path, size_t *bytes);
void file_write(const char *path, const void *data, size_t bytes);
/* Dies with one line if it is no kernel for a PV guest. */
void kernel_file_unpack(struct kernel_image *k, const char *path);
/* `harness kernel IN OUT` */
int kernel_file_main(const char *in, const char *out);

#endif
