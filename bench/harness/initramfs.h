/* SPDX-License-Identifier: MIT */
/*
 * An initial RAM disk for Linux (cpio newc, gzip) from a list of its members,
 * one a line, # comments:
 *   dir PATH | file PATH SOURCE [MODE] | link PATH TARGET | node PATH MAJOR
 *   MINOR
 * The same list and sources give the same bytes: no owners, no times.
 */
#ifndef HARNESS_INITRAMFS_H
#define HARNESS_INITRAMFS_H

/* Dies with one line, that names list and line, at a mistake. */
void initramfs_write(const char *path, const char *list);

#endif
