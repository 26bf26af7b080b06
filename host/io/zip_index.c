/* SPDX-License-Identifier: MIT */
/* Record layouts: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3. */
#include "io/zip_index.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/printable.h"
#include "io/bytes.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    DIRECTORY_MAX = 16 << 20,
    NAME_LENGTH_MAX = 255,
    FLAG_DESCRIPTOR = 1 << 3,                   /* checksum and sizes follow the data */
    FLAG_ENCRYPTED = 1 | 1 << 6 | 1 << 13,      /* also strong, and with a masked directory */
    FLAGS_KNOWN = FLAG_DESCRIPTOR | 1 << 11 | 6 /* names are UTF-8; the deflate level, without meaning here */
};

#define ALL32 UINT32_MAX /* "the value is in the ZIP64 record" */
#define ALL16 UINT16_MAX

typedef struct directory {
    uint64_t offset, bytes, count;
} directory;

/* --- the end records ---------------------------------------------------------------------------------------------- */

static bool fits(uint64_t narrow, uint64_t all_ones, uint64_t wide) { return narrow == all_ones || narrow == wide; }

/* end: the end record; locator: the 20 bytes before it, at `at` in the file. */
static int read_end64(directory *d, const unsigned char *end, const unsigned char *locator, int fd, uint64_t at)
{
    unsigned char r[END64_BYTES];
    int err = 0;
    if (at < END64_BYTES || read_u64(locator + 8) != at - END64_BYTES || read_u32(locator + 4) ||
        read_u32(locator + 16) > 1)
        return FAIL(SDCL_EMODEL, "the archive's ZIP64 locator does not point to the record before it");
    TRY(file_read_at(fd, "end of the archive", at - END64_BYTES, sizeof r, r));
    if (read_u32(r) != 0x06064b50 || read_u64(r + 4) != END64_BYTES - 12)
        return FAIL(SDCL_EMODEL, "the archive's ZIP64 end record is damaged");
    *d = (directory){.count = read_u64(r + 32), .bytes = read_u64(r + 40), .offset = read_u64(r + 48)};
    if (read_u32(r + 16) || read_u32(r + 20) || read_u64(r + 24) != d->count)
        return FAIL(SDCL_EMODEL, "the archive is one part of several");
    if (!fits(read_u16(end + 8), ALL16, d->count) || !fits(read_u16(end + 10), ALL16, d->count) ||
        !fits(read_u32(end + 12), ALL32, d->bytes) || !fits(read_u32(end + 16), ALL32, d->offset) ||
        !fits(read_u16(end + 4), ALL16, 0) || !fits(read_u16(end + 6), ALL16, 0))
        return FAIL(SDCL_EMODEL, "the archive's end record and its ZIP64 end record disagree");
out:
    return err;
}

static int read_end(directory *d, int fd, uint64_t size)
{
    unsigned char tail[LOCATOR_BYTES + END_BYTES], *end = tail + LOCATOR_BYTES;
    int err = 0;
    if (size < sizeof tail) return FAIL(SDCL_EMODEL, "a zip archive of %" PRIu64 " bytes: cut short", size);
    uint64_t directory_end = size - END_BYTES;
    TRY(file_read_at(fd, "end of the archive", size - sizeof tail, sizeof tail, tail));
    if (read_u32(end) != 0x06054b50 || read_u16(end + 20)) {
        err = FAIL(SDCL_EMODEL, "a zip archive that does not end with its end record: cut short, or something follows");
        error_hint("was the download complete? fetch the file again");
        return err;
    }
    if (read_u32(tail) == 0x07064b50) {
        TRY(read_end64(d, end, tail, fd, size - sizeof tail));
        directory_end = size - sizeof tail - END64_BYTES;
    } else {
        *d = (directory){.count = read_u16(end + 10), .bytes = read_u32(end + 12), .offset = read_u32(end + 16)};
        if (d->count == ALL16 || d->bytes == ALL32 || d->offset == ALL32)
            return FAIL(SDCL_EMODEL, "the archive's end record refers to a ZIP64 record that is not there");
        if (read_u16(end + 4) || read_u16(end + 6) || read_u16(end + 8) != d->count)
            return FAIL(SDCL_EMODEL, "the archive is one part of several");
    }
    uint64_t after;
    if (!checked_add(&after, d->offset, d->bytes) || after != directory_end)
        return FAIL(SDCL_EMODEL,
                    "the archive's directory is said to be %" PRIu64 " bytes at %" PRIu64 ", but it ends at %" PRIu64,
                    d->bytes, d->offset, directory_end);
    if (d->bytes > DIRECTORY_MAX || d->count > d->bytes / CENTRAL_BYTES)
        return FAIL(SDCL_EMODEL, "an archive of %" PRIu64 " members in a directory of %" PRIu64 " bytes", d->count,
                    d->bytes);
out:
    return err;
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

/* Finds extra field 0x0001 among n bytes; *body is NULL where there is none. False: the fields do not fill the bytes. */
static bool find_zip64(const unsigned char *extra, size_t n, const unsigned char **body, size_t *bytes)
{
    *body = NULL;
    *bytes = 0;
    while (n >= 4) {
        size_t length = read_u16(extra + 2);
        if (length > n - 4) return false;
        if (read_u16(extra) == 1) {
            if (*body) return false;
            *body = extra + 4;
            *bytes = length;
        }
        extra += 4 + length;
        n -= 4 + length;
    }
    return !n;
}

/* Values that are all ones in the 32-bit field stand in the ZIP64 field, in this order. exact: nothing else does;
 * PyTorch's local headers beyond 4 GiB also have their own offset there. */
static int widen(uint64_t *const *value, int n, const unsigned char *extra, size_t extra_bytes, bool exact)
{
    const unsigned char *body;
    size_t bytes, used = 0;
    if (!find_zip64(extra, extra_bytes, &body, &bytes)) return FAIL(SDCL_EMODEL, "damaged extra fields");
    for (int i = 0; i < n; i++) {
        if (*value[i] != ALL32) continue;
        if (bytes - used < 8) return FAIL(SDCL_EMODEL, "a size or offset is in a ZIP64 field that is not there");
        *value[i] = read_u64(body + used);
        used += 8;
    }
    if (exact && used != bytes) return FAIL(SDCL_EMODEL, "a ZIP64 field that repeats what is in 32 bits");
    return 0;
}

/* r: the record, all of it within the directory; name: where its name goes. */
static int read_central(zip_member *m, char *name, const unsigned char *r)
{
    const size_t name_bytes = read_u16(r + 28), extra_bytes = read_u16(r + 30);
    const unsigned method = read_u16(r + 10);
    uint64_t stored = read_u32(r + 20);
    char shown[PRINTABLE_MAX];
    int err = 0;
    memcpy(name, r + CENTRAL_BYTES, name_bytes);
    name[name_bytes] = 0;
    *m = (zip_member){.name = name,
                      .bytes = read_u32(r + 24),
                      .header = read_u32(r + 42),
                      .crc = read_u32(r + 16),
                      .flags = read_u16(r + 8)};
    uint64_t *const wide[] = {&m->bytes, &stored, &m->header};
    printable(shown, name);
    if (!name_bytes || name_bytes > NAME_LENGTH_MAX || memchr(name, 0, name_bytes))
        return FAIL(SDCL_EMODEL, "member \"%s\": a name that is empty, too long or has a NUL in it", shown);
    err = widen(wide, 3, r + CENTRAL_BYTES + name_bytes, extra_bytes, true);
    if (err) return error_prefix(err, "member \"%s\"", shown);
    if (m->flags & FLAG_ENCRYPTED) return FAIL(SDCL_EMODEL, "member \"%s\": is encrypted", shown);
    if (method) {
        err = FAIL(SDCL_EMODEL, "member \"%s\": is compressed (method %u), expected stored", shown, method);
        error_hint("PyTorch does not compress: save the model with torch.save again");
        return err;
    }
    if (m->flags & ~FLAGS_KNOWN) return FAIL(SDCL_EMODEL, "member \"%s\": unknown flags 0x%04x", shown, m->flags);
    if (stored != m->bytes)
        return FAIL(SDCL_EMODEL, "member \"%s\": is stored in %" PRIu64 " bytes, but is %" PRIu64 " bytes long", shown,
                    stored, m->bytes);
    if (read_u16(r + 34)) return FAIL(SDCL_EMODEL, "member \"%s\": is on another part of the archive", shown);
    return 0;
}

static int read_directory(zip_index *z, const directory *d, const unsigned char *text)
{
    uint64_t at = 0;
    char *name = z->names;
    int err = 0;
    for (uint64_t i = 0; i < d->count; i++) {
        const unsigned char *r = text + at;
        if (d->bytes - at < CENTRAL_BYTES || read_u32(r) != 0x02014b50)
            return FAIL(SDCL_EMODEL, "the archive's directory ends after %" PRIu64 " of %" PRIu64 " members", i,
                        d->count);
        const uint64_t length = CENTRAL_BYTES + (uint64_t)read_u16(r + 28) + (uint64_t)read_u16(r + 30) +
                                (uint64_t)read_u16(r + 32);
        if (length > d->bytes - at)
            return FAIL(SDCL_EMODEL, "the archive's directory ends within member %" PRIu64, i + 1);
        zip_member *m = &z->member[z->count++];
        TRY(read_central(m, name, r));
        name += strlen(name) + 1;
        at += length;
        z->checked |= m->crc != 0;
    }
    if (at != d->bytes)
        return FAIL(SDCL_EMODEL, "the archive's directory goes on behind its %" PRIu64 " members", d->count);
out:
    return err;
}

/* --- the members -------------------------------------------------------------------------------------------------- */

/* Compares the local header with the directory and finds the data behind it. */
static int read_local(zip_member *m, int fd, uint64_t limit)
{
    unsigned char r[LOCAL_BYTES], *rest = NULL;
    const bool deferred = m->flags & FLAG_DESCRIPTOR;
    uint64_t after;
    int err = 0;
    if (!checked_add(&after, m->header, LOCAL_BYTES) || after > limit)
        return FAIL(SDCL_EMODEL, "its local header is outside of the archive's data");
    TRY(file_read_at(fd, "local header", m->header, sizeof r, r));
    const size_t name_bytes = read_u16(r + 26), extra_bytes = read_u16(r + 28), n = name_bytes + extra_bytes;
    if (read_u32(r) != 0x04034b50) return FAIL(SDCL_EMODEL, "there is no local header at byte %" PRIu64, m->header);
    m->offset = after + n;
    if (m->offset > limit || m->bytes > limit - m->offset)
        return FAIL(SDCL_EMODEL, "its %" PRIu64 " bytes at %" PRIu64 " reach beyond the archive's data", m->bytes,
                    m->offset);
    if (read_u16(r + 6) != m->flags || read_u16(r + 8))
        return FAIL(SDCL_EMODEL, "local header and directory disagree about flags or method");
    rest = malloc(n + 1);
    if (!rest) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(file_read_at(fd, "local header", after, n, rest));
    if (name_bytes != strlen(m->name) || memcmp(rest, m->name, name_bytes) != 0)
        TRY(FAIL(SDCL_EMODEL, "local header and directory disagree about the name"));
    uint64_t bytes = read_u32(r + 22), stored = read_u32(r + 18);
    uint64_t *const wide[] = {&bytes, &stored};
    TRY(widen(wide, 2, rest + name_bytes, extra_bytes, false));
    uint32_t crc = read_u32(r + 14);
    bool none = deferred && !crc && !bytes && !stored;
    if (!none && (crc != m->crc || bytes != m->bytes || stored != m->bytes))
        TRY(FAIL(SDCL_EMODEL, "local header and directory disagree about size or checksum"));
out:
    free(rest);
    return err;
}

/* The n bytes behind the data: nothing, or the data descriptor, with or without signature, in 32 or 64 bits. */
static int read_descriptor(const zip_member *m, int fd, uint64_t n)
{
    unsigned char r[24];
    int err = 0;
    if (!(m->flags & FLAG_DESCRIPTOR)) {
        if (n) return FAIL(SDCL_EMODEL, "%" PRIu64 " bytes behind its data, expected none", n);
        return 0;
    }
    if (n != 12 && n != 16 && n != 20 && n != 24)
        return FAIL(SDCL_EMODEL, "%" PRIu64 " bytes behind its data, expected a data descriptor", n);
    TRY(file_read_at(fd, "data descriptor", m->offset + m->bytes, n, r));
    const unsigned char *p = r;
    if (n == 16 || n == 24) {
        if (read_u32(p) != 0x08074b50) return FAIL(SDCL_EMODEL, "no data descriptor behind its data");
        p += 4;
    }
    const bool wide = n >= 20;
    const uint64_t stored = wide ? read_u64(p + 4) : read_u32(p + 4), bytes = wide ? read_u64(p + 12) : read_u32(p + 8);
    if (read_u32(p) != m->crc || stored != m->bytes || bytes != m->bytes)
        return FAIL(SDCL_EMODEL, "data descriptor and directory disagree");
out:
    return err;
}

static int by_header(const void *pa, const void *pb)
{
    const zip_member *a = pa, *b = pb;
    return a->header < b->header ? -1 : a->header > b->header;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const zip_member *)a)->name, ((const zip_member *)b)->name);
}

/* No prefix, no gap, no overlap: the members' bytes end where the directory begins. */
static int check_tiling(zip_index *z, int fd, uint64_t directory_offset)
{
    char shown[PRINTABLE_MAX];
    int err = 0;
    qsort(z->member, (size_t)z->count, sizeof *z->member, by_header);
    if (z->count && z->member[0].header)
        return FAIL(SDCL_EMODEL, "%" PRIu64 " bytes before the archive's first member", z->member[0].header);
    for (int i = 0; i < z->count && !err; i++) {
        zip_member *m = &z->member[i];
        const uint64_t next = i + 1 < z->count ? m[1].header : directory_offset;
        err = read_local(m, fd, directory_offset);
        if (!err && m->offset + m->bytes > next) err = FAIL(SDCL_EMODEL, "overlaps the member behind it");
        if (!err) err = read_descriptor(m, fd, next - m->offset - m->bytes);
        if (err) error_prefix(err, "member \"%s\"", printable(shown, m->name));
    }
    return err;
}

int zip_index_read(zip_index *z, int fd, uint64_t size)
{
    directory d = {0};
    unsigned char *text = NULL;
    char shown[PRINTABLE_MAX];
    int err = 0;
    *z = (zip_index){0};
    TRY(read_end(&d, fd, size));
    text = malloc((size_t)d.bytes + 1);
    z->member = calloc((size_t)d.count + 1, sizeof *z->member);
    z->names = malloc((size_t)d.bytes + 1); /* a record is longer than its name and a NUL */
    if (!text || !z->member || !z->names) TRY(FAIL(SDCL_ENOMEM, "out of memory for an archive's directory"));
    TRY(file_read_at(fd, "archive's directory", d.offset, d.bytes, text));
    TRY(read_directory(z, &d, text));
    TRY(check_tiling(z, fd, d.offset));
    qsort(z->member, (size_t)z->count, sizeof *z->member, by_name);
    for (int i = 1; i < z->count; i++)
        if (!strcmp(z->member[i].name, z->member[i - 1].name))
            TRY(FAIL(SDCL_EMODEL, "member \"%s\": is there twice", printable(shown, z->member[i].name)));
out:
    free(text);
    return err;
}

void zip_index_free(zip_index *z)
{
    free(z->member);
    free(z->names);
    *z = (zip_index){0};
}

const zip_member *zip_index_find(const zip_index *z, const char *name)
{
    const zip_member key = {.name = name};
    return bsearch(&key, z->member, (size_t)z->count, sizeof key, by_name);
}

int zip_member_read(const zip_index *z, const zip_member *m, int fd, uint64_t max_bytes, unsigned char **data)
{
    char shown[PRINTABLE_MAX];
    int err = 0;
    *data = NULL;
    printable(shown, m->name);
    if (m->bytes > max_bytes)
        return FAIL(SDCL_EMODEL, "member \"%s\": is %" PRIu64 " bytes, expected at most %" PRIu64, shown, m->bytes,
                    max_bytes);
    *data = malloc((size_t)m->bytes + 1);
    if (!*data) return FAIL(SDCL_ENOMEM, "out of memory for member \"%s\"", shown);
    TRY(file_read_at(fd, "archive", m->offset, m->bytes, *data));
    if (z->checked && crc32_z(0, *data, (size_t)m->bytes) != m->crc)
        TRY(FAIL(SDCL_EMODEL, "member \"%s\": its checksum is wrong: the file is damaged", shown));
out:
    if (err) {
        free(*data);
        *data = NULL;
    }
    return err;
}
