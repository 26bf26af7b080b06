/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/error.h"
#include "base/printable.h"
#include "io/bytes.h"
#include "io/container.h"
#include "io/file.h"
#include "io/strided.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const file_tensor *const *)a)->name, (*(const file_tensor *const *)b)->name);
}

int container_index(tensor_file *f)
{
    f->by_name = calloc((size_t)f->count + 1, sizeof *f->by_name);
    if (!f->by_name) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < f->count; i++) f->by_name[i] = &f->tensors[i];
    qsort(f->by_name, (size_t)f->count, sizeof *f->by_name, by_name);
    for (int i = 1; i < f->count; i++)
        if (!strcmp(f->by_name[i]->name, f->by_name[i - 1]->name)) {
            char shown[PRINTABLE_MAX];
            return FAIL(SDCL_EMODEL, "tensor \"%s\" is there twice", printable(shown, f->by_name[i]->name));
        }
    return 0;
}

/* The format is what the file's first bytes say. A pickle begins with 0x80 and its protocol, which is also how the length of a
 * safetensors header may begin; but then what follows makes a length that no such file has. */
static int read_header(tensor_file *f)
{
    enum { TAR_MAGIC_AT = 257, TAR_MAGIC_BYTES = 5, SAFETENSORS_LENGTH_MAX = 100 << 20 };
    unsigned char head[TAR_MAGIC_AT + TAR_MAGIC_BYTES] = {0};
    const uint64_t n = f->size < sizeof head ? f->size : sizeof head;
    int err = 0;
    TRY(file_read_at(f->fd, "header", 0, n, head));
    if (read_u32(head) == 0x04034b50) return torch_zip_read_header(f);
    if (!memcmp(head + TAR_MAGIC_AT, "ustar", TAR_MAGIC_BYTES)) {
        err = FAIL(SDCL_EMODEL, "is a tar archive, as PyTorch before 0.1.10 wrote: not supported");
        error_hint("take the model's .safetensors file, or save it again with a newer PyTorch");
        return err;
    }
    const uint64_t length = read_u64(head);
    if (head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 && (length > SAFETENSORS_LENGTH_MAX || length + 8 > f->size))
        return torch_legacy_read_header(f);
    TRY(safetensors_read_header(f));
out:
    return err;
}

int tensor_file_open(tensor_file **out_file, const char *path)
{
    int err = 0;
    *out_file = NULL;
    tensor_file *f = calloc(1, sizeof *f);
    if (!f) return FAIL(SDCL_ENOMEM, "%s: out of memory", path);
    f->fd = -1;
    f->path = strdup(path);
    if (!f->path) TRY(FAIL(SDCL_ENOMEM, "%s: out of memory", path));
    TRY(file_open(&f->fd, &f->size, path));
    TRY(file_modified(f->fd, path, &f->modified));
    err = read_header(f);
    if (!err) err = container_index(f);
    if (err) error_prefix(err, "%s", path);
out:
    if (err) tensor_file_close(&f);
    *out_file = f;
    return err;
}

void tensor_file_close(tensor_file **f)
{
    if (!*f) return;
    if ((*f)->fd >= 0) close((*f)->fd);
    checksums_free(&(*f)->sums);
    free((*f)->by_name);
    free((*f)->tensors);
    free((*f)->names);
    free((*f)->path);
    free(*f);
    *f = NULL;
}

const char *tensor_file_path(const tensor_file *f) { return f->path; }
uint64_t tensor_file_size(const tensor_file *f) { return f->size; }
int tensor_file_count(const tensor_file *f) { return f->count; }
const file_tensor *tensor_file_at(const tensor_file *f, int i) { return &f->tensors[i]; }

const file_tensor *tensor_file_find(const tensor_file *f, const char *name)
{
    const file_tensor key = {.name = name}, *wanted = &key;
    const file_tensor **found = bsearch(&wanted, f->by_name, (size_t)f->count, sizeof *f->by_name, by_name);
    return found ? *found : NULL;
}

/* n bytes of the file at offset; a checksum that they complete is compared. */
static int read_range(const void *file, uint64_t offset, uint64_t n, void *dst)
{
    const tensor_file *f = file;
    int err = file_read_at(f->fd, f->path, offset, n, dst);
    if (err || !f->sums) return err;
    err = checksums_feed(f->sums, offset, n, dst);
    return err ? error_prefix(err, "%s", f->path) : 0;
}

int tensor_file_read(const tensor_file *f, const file_tensor *t, uint64_t first, uint64_t n, void *dst)
{
    uint64_t end, offset;
    if (!checked_add(&end, first, n) || end > t->bytes || !checked_add(&offset, t->offset, first))
        return FAIL(SDCL_EINTERNAL, "%s: tensor %s: read of %llu bytes at %llu, it has %llu", f->path, t->name,
                    (unsigned long long)n, (unsigned long long)first, (unsigned long long)t->bytes);
    if (f->make) return f->make(t, first, n, dst);
    int err = t->strided ? strided_read(t, first, n, dst, read_range, f) : read_range(f, offset, n, dst);
    return err ? err : file_unchanged(f->fd, f->path, f->size, &f->modified);
}

int tensor_file_verify(const tensor_file *f, const file_tensor *t)
{
    enum { CHUNK = 1 << 20 };
    uint64_t begin, bytes;
    int err = 0;
    if (!f->sums || !checksums_range(f->sums, t->offset, &begin, &bytes)) return 0;
    void *chunk = malloc(CHUNK);
    if (!chunk) return FAIL(SDCL_ENOMEM, "%s: out of memory", f->path);
    for (uint64_t at = 0; at < bytes; at += CHUNK) {
        const uint64_t n = bytes - at < CHUNK ? bytes - at : CHUNK;
        TRY(file_read_at(f->fd, f->path, begin + at, n, chunk));
        err = checksums_feed(f->sums, begin + at, n, chunk);
        if (err) {
            error_prefix(err, "%s: tensor %s", f->path, t->name);
            goto out;
        }
    }
out:
    free(chunk);
    return err;
}
