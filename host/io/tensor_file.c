/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/error.h"
#include "io/container.h"
#include "io/file.h"

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
    return 0;
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
    err = safetensors_read_header(f);
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

int tensor_file_read(const tensor_file *f, const file_tensor *t, uint64_t first, uint64_t n, void *dst)
{
    uint64_t end, offset;
    if (!checked_add(&end, first, n) || end > t->bytes || !checked_add(&offset, t->offset, first))
        return FAIL(SDCL_EINTERNAL, "%s: tensor %s: read of %llu bytes at %llu, it has %llu", f->path, t->name,
                    (unsigned long long)n, (unsigned long long)first, (unsigned long long)t->bytes);
    if (f->make) return f->make(t, first, n, dst);
    return file_read_at(f->fd, f->path, offset, n, dst);
}
