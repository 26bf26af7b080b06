/* SPDX-License-Identifier: MIT */
#include "io/sha256.h"

#include "base/error.h"
#include "io/file.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 };

int sha256_file(const char *path, char hex[SHA256_HEX])
{
    int err = 0, fd = -1;
    uint64_t size;
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE], *block = malloc(BLOCK);
    if (!block) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    TRY(file_open(&fd, &size, path));
    sha256_init(&sha);
    for (uint64_t at = 0; at < size; at += BLOCK) {
        uint64_t n = size - at < BLOCK ? size - at : BLOCK;
        TRY(file_read_at(fd, path, at, n, block));
        sha256_update(&sha, (size_t)n, block);
    }
    sha256_digest(&sha, sizeof digest, digest);
    base16_encode_update(hex, sizeof digest, digest);
    hex[SHA256_HEX - 1] = 0;
out:
    if (fd >= 0) close(fd);
    free(block);
    return err;
}
