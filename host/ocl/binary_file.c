/* SPDX-License-Identifier: MIT */
#include "ocl/binary_file.h"

#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define FORMAT "sdcl-binary 1"

enum { HEADER = sizeof FORMAT - 1 + sizeof " \n" - 1 + BINARY_KEY - 1 + 2 * (1 + 16), SIZE_LIMIT = 1 << 28 };

void binary_key(char key[BINARY_KEY], const char *const *texts, int count)
{
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&sha);
    sha256_update(&sha, sizeof FORMAT, (const uint8_t *)FORMAT);
    for (int i = 0; i < count; i++) sha256_update(&sha, strlen(texts[i]) + 1, (const uint8_t *)texts[i]);
    sha256_digest(&sha, sizeof digest, digest);
    base16_encode_update(key, sizeof digest, digest);
    key[BINARY_KEY - 1] = 0;
}

/* The one header that a binary can have: a reader makes it anew and compares. */
static void header_of(char header[HEADER + 1], const char *key, const void *binary, size_t size)
{
    unsigned long long sum = XXH3_64bits(binary, size);
    snprintf(header, HEADER + 1, FORMAT " %.*s %016zx %016llx\n", BINARY_KEY - 1, key, size, sum);
}

static bool read_all(int fd, char *to, size_t size)
{
    while (size) {
        ssize_t n = read(fd, to, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        to += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const char *from, size_t size)
{
    while (size) {
        ssize_t n = write(fd, from, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        from += n;
        size -= (size_t)n;
    }
    return true;
}

static bool trusted(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH)) &&
           st->st_size > HEADER && st->st_size <= SIZE_LIMIT;
}

void *binary_read(const char *folder, const char *key, size_t *size)
{
    char header[HEADER + 1], *bytes = NULL;
    strbuf path = {0};
    struct stat st;
    bool good = false;
    strbuf_printf(&path, "%s/%s.bin", folder, key);
    int fd = path.failed ? -1 : open(path.s, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) || !trusted(&st)) goto out;
    *size = (size_t)st.st_size - HEADER;
    bytes = malloc((size_t)st.st_size);
    if (!bytes || !read_all(fd, bytes, (size_t)st.st_size)) goto out;
    header_of(header, key, bytes + HEADER, *size);
    good = !memcmp(bytes, header, HEADER);
    if (good) {
        memmove(bytes, bytes + HEADER, *size);
        futimens(fd, NULL); /* used now */
    }
out:
    if (!good) {
        free(bytes);
        bytes = NULL;
    }
    if (fd >= 0) close(fd);
    strbuf_free(&path);
    return bytes;
}

/* A binary, or one that is being written; nothing else in the folder is counted or removed. */
static bool is_ours(const char *name)
{
    return strspn(name, "0123456789abcdef") == BINARY_KEY - 1 && !strncmp(name + BINARY_KEY - 1, ".bin", 4);
}

static bool earlier(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* false: there are not too many files, or the one longest unused cannot be removed. */
static bool remove_oldest(const char *folder)
{
    char oldest[NAME_MAX + 1];
    struct timespec used = {0};
    int files = 0;
    DIR *d = opendir(folder);
    if (!d) return false;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (!is_ours(e->d_name) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW)) continue;
        if (files++ && !earlier(st.st_mtim, used)) continue;
        used = st.st_mtim;
        memcpy(oldest, e->d_name, strlen(e->d_name) + 1);
    }
    bool removed = files > BINARY_FILES_MAX && !unlinkat(dirfd(d), oldest, 0);
    closedir(d);
    return removed;
}

bool binary_write(const char *folder, const char *key, const void *binary, size_t size)
{
    char header[HEADER + 1];
    strbuf path = {0}, temporary = {0};
    bool written = false;
    strbuf_printf(&path, "%s/%s.bin", folder, key);
    strbuf_printf(&temporary, "%s/%s.bin.XXXXXX", folder, key);
    if (!size || size > SIZE_LIMIT - HEADER || path.failed || temporary.failed) goto out;
    int fd = mkostemp(temporary.s, O_CLOEXEC);
    if (fd < 0) goto out;
    header_of(header, key, binary, size);
    written = write_all(fd, header, HEADER) && write_all(fd, binary, size) && !fsync(fd);
    if (close(fd)) written = false;
    if (written) written = !rename(temporary.s, path.s);
    if (!written) unlink(temporary.s);
    while (written && remove_oldest(folder)) continue;
out:
    strbuf_free(&path);
    strbuf_free(&temporary);
    return written;
}
