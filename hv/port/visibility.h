/* SPDX-License-Identifier: MIT */
/*
 * Included before everything else (Makefile).  The image is position
 * independent code linked at a fixed address; hidden symbols are reached
 * relative to the instruction, without a table.
 */
#pragma GCC visibility push(hidden)
