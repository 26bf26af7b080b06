/* SPDX-License-Identifier: MIT */
#include "io/hash_cache.h"

#include "base/cache_folder.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* What a remembered hash belongs to, as a line; the file that remembers it is named by the path's hash. */
static bool describe(const char *path, strbuf *line, strbuf *file)
{
    struct stat st;
    char *real = realpath(path, NULL), *folder = cache_folder();
    bool ok = real && folder && !stat(real, &st);
    if (ok) {
        strbuf_printf(line, "sdcl hash 1 %lld %lld.%09ld %s\n", (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                      st.st_mtim.tv_nsec, real);
        strbuf_printf(file, "%s/%016llx.sha256", folder, (unsigned long long)XXH64(real, strlen(real), 0));
    }
    free(real);
    free(folder);
    return ok && !line->failed && !file->failed;
}

static bool recall(const char *file, const char *line, char hex[SHA256_HEX])
{
    char text[8192];
    size_t head = strlen(line);
    int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (n != (ssize_t)(head + SHA256_HEX) || memcmp(text, line, head) || text[n - 1] != '\n') return false;
    memcpy(hex, text + head, SHA256_HEX - 1);
    hex[SHA256_HEX - 1] = 0;
    return strspn(hex, "0123456789abcdef") == SHA256_HEX - 1;
}

/* Failing to remember costs a second next time, nothing else. */
static void remember(const char *file, const char *line, const char *hex)
{
    strbuf name = {0}, text = {0};
    strbuf_printf(&name, "%s.%ld", file, (long)getpid());
    strbuf_printf(&text, "%s%s\n", line, hex);
    int fd = name.failed || text.failed ? -1 : open(name.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        bool ok = write(fd, text.s, text.n) == (ssize_t)text.n;
        if (close(fd) || !ok || rename(name.s, file)) unlink(name.s);
    }
    strbuf_free(&name);
    strbuf_free(&text);
}

int hash_cached(const char *path, char hex[SHA256_HEX])
{
    strbuf line = {0}, file = {0};
    int err = 0;
    bool known = describe(path, &line, &file);
    if (!known || !recall(file.s, line.s, hex)) {
        TRY(sha256_file(path, hex));
        if (known) remember(file.s, line.s, hex);
    }
out:
    strbuf_free(&line);
    strbuf_free(&file);
    return err;
}
