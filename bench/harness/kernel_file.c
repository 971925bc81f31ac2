/* SPDX-License-Identifier: MIT */
/* See kernel_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/kernel_file.h"

uint8_t *file_read(const char *path, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO */
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct stat st;
	uint8_t *data;

	if (!f || fstat(fileno(f), &st))
		die("cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("cannot read %s: not a regular file", path);
	*bytes = (size_t)st.st_size;
	data = xcalloc(*bytes + 1, 1);
	if (fread(data, 1, *bytes, f) != *bytes)
		die("cannot read %s: %s", path, strerror(errno));
	fclose(f);
	return data;
}

void file_write(const char *path, const void *data, size_t bytes)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
}

void kernel_file_unpack(struct kernel_image *k, const char *path)
{
	char err[300];
	size_t bytes;
	uint8_t *data = file_read(path, &bytes);

	if (!kernel_image_unpack(k, data, bytes, err, sizeof(err)))
		die("%s: %s", path, err);
	free(data);
}

int kernel_file_main(const char *in, const char *out)
{
	struct kernel_image k;

	kernel_file_unpack(&k, in);
	file_write(out, k.elf, k.bytes);
	printf("pasture: %s (%s, %zu MiB, loads at %llu to %llu MiB, entry %llx)\n", out,
	       k.compression ? k.compression : "not compressed",
	       k.bytes / MIB, (unsigned long long)k.info.first / MIB,
	       (unsigned long long)k.info.end / MIB,
	       (unsigned long long)k.info.entry);
	kernel_image_free(&k);
	return 0;
}
