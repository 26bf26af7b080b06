/* SPDX-License-Identifier: MIT */
/* A walk over a PNG's chunks that decodes no pixels: cost and memory are bounded whatever the file claims. */
#include "base/error.h"
#include "base/strbuf.h"
#include "io/png.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>
#include <zlib.h>

enum { CHUNK_TEXT_MAX = 8 << 20, FILE_TEXT_MAX = 32 << 20, KEYWORD_MAX = 79, PIECE = 16384 };

typedef struct reader {
    const char *path;
    int fd;
    uint64_t left; /* bytes of the file that were not read */
    size_t text;   /* bytes of text so far */
} reader;

typedef struct chunk {
    char type[5];
    uint32_t length;
    unsigned char *data; /* owned; NULL for chunks that were skipped */
} chunk;

static uint32_t big_endian(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int read_bytes(reader *r, void *to, size_t n)
{
    unsigned char *at = to;
    if (n > r->left) return FAIL(SDCL_EUSAGE, "%s: the PNG is cut off", r->path);
    r->left -= n;
    while (n) {
        ssize_t k = read(r->fd, at, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return FAIL(SDCL_EUSAGE, "%s: %s", r->path, strerror(errno));
        if (!k) return FAIL(SDCL_EUSAGE, "%s: the PNG is cut off", r->path);
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

static int skip_bytes(reader *r, uint64_t n)
{
    if (n > r->left) return FAIL(SDCL_EUSAGE, "%s: the PNG is cut off", r->path);
    r->left -= n;
    if (lseek(r->fd, (off_t)n, SEEK_CUR) < 0) return FAIL(SDCL_EUSAGE, "%s: %s", r->path, strerror(errno));
    return 0;
}

static bool is_text(const char *type)
{
    return !strcmp(type, "tEXt") || !strcmp(type, "zTXt") || !strcmp(type, "iTXt");
}

/* The next chunk; text and the header are read and their checksums compared, everything else is skipped. */
static int next_chunk(reader *r, chunk *c)
{
    int err = 0;
    unsigned char head[8], tail[4];
    TRY(read_bytes(r, head, sizeof head));
    c->length = big_endian(head);
    memcpy(c->type, head + 4, 4);
    for (int i = 0; i < 4; i++)
        if ((c->type[i] | 32) < 'a' || (c->type[i] | 32) > 'z')
            return FAIL(SDCL_EUSAGE, "%s: damaged PNG (chunk type)", r->path);
    if ((uint64_t)c->length + 4 > r->left)
        return FAIL(SDCL_EUSAGE, "%s: the PNG is cut off in a %s chunk", r->path, c->type);
    if (!is_text(c->type) && strcmp(c->type, "IHDR")) return skip_bytes(r, (uint64_t)c->length + 4);
    if (c->length > CHUNK_TEXT_MAX)
        return FAIL(SDCL_EUSAGE, "%s: a %s chunk of %u bytes, the limit is %d", r->path, c->type, c->length,
                    CHUNK_TEXT_MAX);
    c->data = malloc((size_t)c->length + 1);
    if (!c->data) return FAIL(SDCL_ENOMEM, "%s: no memory for a %s chunk", r->path, c->type);
    TRY(read_bytes(r, c->data, c->length));
    TRY(read_bytes(r, tail, sizeof tail));
    uLong sum = crc32(crc32(0, head + 4, 4), c->data, c->length);
    if (sum != big_endian(tail)) TRY(FAIL(SDCL_EUSAGE, "%s: damaged PNG (checksum of a %s chunk)", r->path, c->type));
out:
    return err;
}

static int inflate_text(const reader *r, const unsigned char *in, size_t n, strbuf *out)
{
    int err = 0, status = Z_OK;
    char piece[PIECE];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)n};
    if (inflateInit(&z) != Z_OK) return FAIL(SDCL_ENOMEM, "%s: no memory for compressed text", r->path);
    while (status == Z_OK) {
        z.next_out = (Bytef *)piece;
        z.avail_out = PIECE;
        status = inflate(&z, Z_NO_FLUSH);
        strbuf_add(out, piece, PIECE - z.avail_out);
        if (out->n > CHUNK_TEXT_MAX)
            TRY(FAIL(SDCL_EUSAGE, "%s: compressed text beyond %d bytes", r->path, CHUNK_TEXT_MAX));
    }
    if (status != Z_STREAM_END) TRY(FAIL(SDCL_EUSAGE, "%s: damaged PNG (compressed text)", r->path));
out:
    inflateEnd(&z);
    return err;
}

static void add_code_point(strbuf *out, utf8proc_int32_t c)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t k = utf8proc_encode_char(c > 0 ? c : 0xfffd, bytes);
    strbuf_add(out, (const char *)bytes, (size_t)k);
}

static void add_latin1(strbuf *out, const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) add_code_point(out, s[i]);
}

/* Invalid bytes and NUL become U+FFFD. */
static void add_utf8(strbuf *out, const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t k = utf8proc_iterate(s + i, (utf8proc_ssize_t)(n - i), &c);
        add_code_point(out, k > 0 ? c : 0);
        i += k > 0 ? (size_t)k : 1;
    }
}

/* Moves *s behind the next NUL of the *n bytes. */
static bool skip_string(const unsigned char **s, size_t *n)
{
    const unsigned char *end = memchr(*s, 0, *n);
    if (!end) return false;
    *n -= (size_t)(end + 1 - *s);
    *s = end + 1;
    return true;
}

static int decode_text(reader *r, const chunk *c, strbuf *key, strbuf *value)
{
    int err = 0;
    const unsigned char *s = c->data;
    size_t n = c->length;
    bool international = c->type[0] == 'i', compressed = c->type[0] == 'z';
    strbuf plain = {0};
    if (!skip_string(&s, &n) || s - c->data < 2 || s - c->data > KEYWORD_MAX + 1) goto damaged;
    add_latin1(key, c->data, (size_t)(s - c->data - 1));
    if (international) {
        if (n < 2 || s[0] > 1 || s[1]) goto damaged;
        compressed = s[0];
        s += 2;
        n -= 2;
        if (!skip_string(&s, &n) || !skip_string(&s, &n)) goto damaged; /* language, translated keyword */
    } else if (compressed) {
        if (!n || s[0]) goto damaged;
        s++;
        n--;
    }
    if (compressed) {
        TRY(inflate_text(r, s, n, &plain));
        s = (const unsigned char *)strbuf_text(&plain);
        n = plain.n;
    }
    r->text += n;
    if (r->text > FILE_TEXT_MAX) TRY(FAIL(SDCL_EUSAGE, "%s: text beyond %d bytes", r->path, FILE_TEXT_MAX));
    if (international) add_utf8(value, s, n);
    else add_latin1(value, s, n);
    if (plain.failed || key->failed || value->failed) TRY(FAIL(SDCL_ENOMEM, "%s: no memory for its text", r->path));
out:
    strbuf_free(&plain);
    return err;
damaged:
    err = FAIL(SDCL_EUSAGE, "%s: damaged PNG (%s chunk)", r->path, c->type);
    goto out;
}

static int open_reader(reader *r, const char *path)
{
    static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char head[8];
    struct stat st;
    *r = (reader){.path = path, .fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (r->fd < 0 || fstat(r->fd, &st)) return FAIL(SDCL_EUSAGE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode)) return FAIL(SDCL_EUSAGE, "%s: not a regular file", path);
    r->left = (uint64_t)st.st_size;
    if (r->left < sizeof head || read_bytes(r, head, sizeof head) || memcmp(head, signature, sizeof head))
        return FAIL(SDCL_EUSAGE, "%s: not a PNG", path);
    return 0;
}

int pngfile_text(const char *path, void (*each)(void *user, const char *key, const char *value), void *user)
{
    int err = 0;
    reader r;
    chunk c = {0};
    strbuf key = {0}, value = {0};
    TRY(open_reader(&r, path));
    for (bool first = true; strcmp(c.type, "IEND"); first = false) {
        free(c.data);
        c = (chunk){0};
        TRY(next_chunk(&r, &c));
        if (first != !strcmp(c.type, "IHDR") || (first && c.length != 13))
            TRY(FAIL(SDCL_EUSAGE, "%s: damaged PNG (header)", path));
        if (!is_text(c.type)) continue;
        TRY(decode_text(&r, &c, &key, &value));
        each(user, strbuf_text(&key), strbuf_text(&value));
        strbuf_free(&key);
        strbuf_free(&value);
    }
out:
    if (r.fd >= 0) close(r.fd);
    free(c.data);
    strbuf_free(&key);
    strbuf_free(&value);
    return err;
}
