/* SPDX-License-Identifier: MIT */
/* A device binary on disk: <folder>/<key>.bin, one line of text (format, key, length and checksum of the rest), then
 * the binary. It is written under another name, synced and renamed: readers and concurrent writers see whole files
 * only, and the last writer wins. */
#ifndef SDCL_OCL_BINARY_FILE_H
#define SDCL_OCL_BINARY_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { BINARY_KEY = 65, BINARY_FILES_MAX = 256 };

/* SHA-256 over the format's version and the texts, each with its terminator, as lower-case hex. */
void binary_key(char key[BINARY_KEY], const char *const *texts, int count);

/* The binary of a key, to be freed. NULL: there is none, or the file is in doubt: not to the last bit what binary_write
 * leaves, or no regular file that this user owns and nobody else may write. */
void *binary_read(const char *folder, const char *key, size_t *size);
/* Replaces the binary of a key, and removes the files longest unused where there are more than BINARY_FILES_MAX.
 * false: nothing was written. */
bool binary_write(const char *folder, const char *key, const void *binary, size_t size);

#endif
