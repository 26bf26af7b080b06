/* SPDX-License-Identifier: MIT */
#ifndef SDCL_IO_HASH_CACHE_H
#define SDCL_IO_HASH_CACHE_H

#include "io/sha256.h"

/* sha256_file, remembered in the cache folder by the file's path, size and time of change: a model of 2 GB takes a second to hash, at every run. */
int hash_cached(const char *path, char hex[SHA256_HEX]);

#endif
