/* SPDX-License-Identifier: MIT */
#include "text/files.h"

#include "base/error.h"
#include "text/clip_merges.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FILE_MAX = 64 << 20, CHUNK = 1 << 16 };

int text_file_read(const char *path, strbuf *out)
{
    int err = 0;
    struct stat st;
    char chunk[CHUNK];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block before it is refused */
    if (fd < 0 || fstat(fd, &st)) TRY(FAIL(SDCL_EMODEL, "%s: %s", path, strerror(errno)));
    if (!S_ISREG(st.st_mode)) TRY(FAIL(SDCL_EMODEL, "%s: not a regular file", path));
    while ((got = read(fd, chunk, sizeof chunk)) > 0) {
        if (out->n + (size_t)got > FILE_MAX)
            TRY(FAIL(SDCL_EMODEL, "%s: more than %d MiB, no vocabulary is that large", path, FILE_MAX >> 20));
        strbuf_add(out, chunk, (size_t)got);
    }
    if (got < 0) TRY(FAIL(SDCL_EMODEL, "%s: %s", path, strerror(errno)));
    if (out->failed) TRY(FAIL(SDCL_ENOMEM, "no memory to read %s", path));
out:
    if (fd >= 0) close(fd);
    return err;
}

int text_json_read(const char *path, json_t **object)
{
    int err = 0;
    strbuf text = {0};
    json_error_t e;
    *object = NULL;
    TRY(text_file_read(path, &text));
    *object = json_loadb(strbuf_text(&text), text.n, JSON_REJECT_DUPLICATES, &e);
    if (!*object) TRY(FAIL(SDCL_EMODEL, "%s:%d: %s", path, e.line, e.text));
    if (!json_is_object(*object)) {
        json_decref(*object);
        *object = NULL;
        TRY(FAIL(SDCL_EMODEL, "%s: not a JSON object", path));
    }
out:
    strbuf_free(&text);
    return err;
}

int clip_merges_read(strbuf *out)
{
    enum { GZIP = 16 };
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)embedded_clip_merges,
                  .avail_in = (uInt)embedded_clip_merges_size};
    unsigned char chunk[CHUNK];
    int status = inflateInit2(&z, MAX_WBITS + GZIP);
    while (status == Z_OK) {
        z.next_out = chunk;
        z.avail_out = sizeof chunk;
        status = inflate(&z, Z_NO_FLUSH);
        strbuf_add(out, (const char *)chunk, sizeof chunk - z.avail_out);
    }
    inflateEnd(&z);
    if (status == Z_MEM_ERROR || out->failed) return FAIL(SDCL_ENOMEM, "no memory for the built-in vocabulary");
    return status == Z_STREAM_END ? 0 : FAIL(SDCL_EINTERNAL, "the built-in vocabulary is damaged (zlib: %d)", status);
}
