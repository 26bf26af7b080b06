/* SPDX-License-Identifier: MIT */
/* Reading files that come from elsewhere. Failures are SDCL_EMODEL (or SDCL_ENOMEM); messages begin with the path. */
#ifndef SDCL_IO_FILE_H
#define SDCL_IO_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Opens a regular file for reading; *size: its length now. Refuses what people put in a model's place: a missing file,
 * a folder, a FIFO or device (without waiting for a writer), a Git-LFS pointer, a saved web page. The caller closes
 * *fd; it is -1 on failure. */
int file_open(int *fd, uint64_t *size, const char *path);

/* Reads exactly n bytes at offset, whatever the file position; a file that ends before is refused. */
int file_read_at(int fd, const char *path, uint64_t offset, uint64_t n, void *dst);

/* When an open file was last written to; and whether it still is that long, and no write has come since. Who writes into a file instead of renaming a new one
 * to its place, as some downloads do, changes it under those who read it. */
int file_modified(int fd, const char *path, struct timespec *when);
int file_unchanged(int fd, const char *path, uint64_t size, const struct timespec *when);

/* The whole file, in *data (malloc'ed) with a zero byte behind its *n bytes; longer than max_bytes is refused before
 * anything is read. */
int file_read_small(const char *path, size_t max_bytes, char **data, size_t *n);

#endif
