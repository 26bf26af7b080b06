/* SPDX-License-Identifier: MIT */
#include "io/file.h"

#include "base/checked.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind(mode_t mode)
{
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

static int examine(int fd, const char *path, struct stat *st)
{
    return fstat(fd, st) < 0 ? FAIL(SDCL_EMODEL, "%s: cannot examine: %s", path, strerror(errno)) : 0;
}

/* What a failed download leaves behind. */
static int refuse_placeholder(int fd, const char *path, uint64_t size)
{
    static const char lfs[] = "version https://git-lfs.github.com/";
    char head[64] = {0};
    int err = file_read_at(fd, path, 0, size < sizeof head - 1 ? size : sizeof head - 1, head);
    if (err) return err;
    if (!strncmp(head, lfs, sizeof lfs - 1)) {
        err = FAIL(SDCL_EMODEL, "%s: is a Git-LFS pointer, not the file itself", path);
        error_hint("run `git lfs pull` in the repository, or download the file from its web page");
        return err;
    }
    const char *text = head + strspn(head, " \t\r\n");
    if (!strncasecmp(text, "<!doctype", 9) || !strncasecmp(text, "<html", 5)) {
        err = FAIL(SDCL_EMODEL, "%s: is a web page, not a model file", path);
        error_hint("the download got a page, perhaps a login form: fetch the file itself");
    }
    return err;
}

int file_open(int *fd, uint64_t *size, const char *path)
{
    int err = 0;
    struct stat st;
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); /* non-blocking: opening a FIFO must not wait */
    if (*fd < 0) return FAIL(SDCL_EMODEL, "%s: cannot open: %s", path, strerror(errno));
    TRY(examine(*fd, path, &st));
    if (!S_ISREG(st.st_mode)) {
        err = FAIL(SDCL_EMODEL, "%s: is %s, expected a regular file", path, kind(st.st_mode));
        goto out;
    }
    *size = (uint64_t)st.st_size;
    TRY(refuse_placeholder(*fd, path, *size));
out:
    if (err) {
        close(*fd);
        *fd = -1;
    }
    return err;
}

int file_read_at(int fd, const char *path, uint64_t offset, uint64_t n, void *dst)
{
    uint64_t end;
    if (!checked_add(&end, offset, n) || end > INT64_MAX || n > SIZE_MAX)
        return FAIL(SDCL_EINTERNAL, "%s: read of %llu bytes at %llu", path, (unsigned long long)n,
                    (unsigned long long)offset);
    for (char *p = dst; offset < end;) {
        ssize_t got = pread(fd, p, (size_t)(end - offset), (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return FAIL(SDCL_EMODEL, "%s: cannot read: %s", path, strerror(errno));
        if (!got)
            return FAIL(SDCL_EMODEL, "%s: ends at byte %llu, expected %llu: it has become shorter while being read",
                        path, (unsigned long long)offset, (unsigned long long)end);
        p += got;
        offset += (uint64_t)got;
    }
    return 0;
}

int file_modified(int fd, const char *path, struct timespec *when)
{
    struct stat st;
    int err = examine(fd, path, &st);
    if (!err) *when = st.st_mtim;
    return err;
}

int file_unchanged(int fd, const char *path, uint64_t size, const struct timespec *when)
{
    struct stat st;
    int err = examine(fd, path, &st);
    if (err) return err;
    if ((uint64_t)st.st_size < size)
        return FAIL(SDCL_EMODEL, "%s: is %llu bytes, expected %llu: it has become shorter while being read", path,
                    (unsigned long long)st.st_size, (unsigned long long)size);
    if ((uint64_t)st.st_size == size && st.st_mtim.tv_sec == when->tv_sec && st.st_mtim.tv_nsec == when->tv_nsec)
        return 0;
    err = FAIL(SDCL_EMODEL, "%s: has been written to since it was opened", path);
    error_hint("start again when it is complete");
    return err;
}

int file_read_small(const char *path, size_t max_bytes, char **data, size_t *n)
{
    int err = 0, fd = -1;
    uint64_t size;
    *data = NULL;
    *n = 0;
    TRY(file_open(&fd, &size, path));
    if (size > max_bytes) {
        err = FAIL(SDCL_EMODEL, "%s: is %llu bytes, expected at most %zu", path, (unsigned long long)size, max_bytes);
        goto out;
    }
    *data = malloc((size_t)size + 1);
    if (!*data) {
        err = FAIL(SDCL_ENOMEM, "%s: out of memory for its %llu bytes", path, (unsigned long long)size);
        goto out;
    }
    TRY(file_read_at(fd, path, 0, size, *data));
    (*data)[size] = 0;
    *n = (size_t)size;
out:
    if (fd >= 0) close(fd);
    if (err) {
        free(*data);
        *data = NULL;
    }
    return err;
}
