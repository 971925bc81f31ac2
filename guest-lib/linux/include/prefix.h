/* SPDX-License-Identifier: MIT */
/* Before all else in each file: how its lines in the kernel's log begin. */
#define pr_fmt(fmt) "pasture: " fmt
