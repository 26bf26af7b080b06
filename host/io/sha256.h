/* SPDX-License-Identifier: MIT */
#ifndef SDCL_IO_SHA256_H
#define SDCL_IO_SHA256_H

enum { SHA256_HEX = 65 };

/* The SHA-256 of a file's bytes as lower-case hex. SDCL_EMODEL where it cannot be read. */
int sha256_file(const char *path, char hex[SHA256_HEX]);

#endif
