/* SPDX-License-Identifier: MIT */
#include "io/torch_state.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_BYTES_MAX = 64,
    TENSORS_MAX = 1 << 16, /* also storages; a full checkpoint with its optimizer has 4000 */
    NAMES_BYTES_MAX = 8 << 20
};

/* The arguments of torch._utils._rebuild_tensor_v2, and of the older _rebuild_tensor: the first four. */
enum { TENSOR_STORAGE, TENSOR_OFFSET, TENSOR_SIZE, TENSOR_STRIDE };

/* --- storages ----------------------------------------------------------------------------------------------------- */

/* A persistent id: ("storage", class, key, device, elements), and in files before 1.6 a view, which is None. */
enum { ID_KIND, ID_CLASS, ID_KEY, ID_DEVICE, ID_ELEMENTS, ID_VIEW };

static int read_storage(torch_storage *s, char *key, const pickle *p, const pickle_value *v)
{
    const pickle_value *part[ID_VIEW + 1] = {0};
    if (v->n != ID_VIEW && v->n != ID_VIEW + 1)
        return FAIL(SDCL_EMODEL, "a persistent id of %u parts, expected 5 or 6", v->n);
    for (uint32_t i = 0; i < v->n; i++) part[i] = pickle_item(p, v, i);
    if (!pickle_text_is(part[ID_KIND], "storage")) return FAIL(SDCL_EMODEL, "a persistent id that is no storage");
    if (part[ID_CLASS]->kind != PICKLE_GLOBAL || part[ID_CLASS]->global->role != ROLE_STORAGE)
        return FAIL(SDCL_EMODEL, "a storage of an unknown class");
    if (part[ID_KEY]->kind != PICKLE_TEXT || !part[ID_KEY]->n || part[ID_KEY]->n > KEY_BYTES_MAX ||
        memchr(part[ID_KEY]->bytes, 0, part[ID_KEY]->n))
        return FAIL(SDCL_EMODEL, "a storage whose key is not a text of 1 to %d bytes", KEY_BYTES_MAX);
    if (part[ID_DEVICE]->kind != PICKLE_TEXT) return FAIL(SDCL_EMODEL, "a storage whose device is not a text");
    if (part[ID_ELEMENTS]->kind != PICKLE_INT || part[ID_ELEMENTS]->integer < 0)
        return FAIL(SDCL_EMODEL, "a storage whose length is not a non-negative integer");
    if (part[ID_VIEW] && part[ID_VIEW]->kind != PICKLE_NONE)
        return FAIL(SDCL_EMODEL, "a storage that is a view of another one, as PyTorch before 0.4 wrote");
    memcpy(key, part[ID_KEY]->bytes, part[ID_KEY]->n);
    key[part[ID_KEY]->n] = 0;
    *s = (torch_storage){
        .key = key, .dtype = part[ID_CLASS]->global->dtype, .elements = (uint64_t)part[ID_ELEMENTS]->integer};
    if (!checked_mul(&s->bytes, s->elements, (uint64_t)file_dtype_size(s->dtype)))
        return FAIL(SDCL_EMODEL, "a storage of %" PRIu64 " elements", s->elements);
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const torch_storage *)a)->key, ((const torch_storage *)b)->key);
}

int torch_storages_collect(torch_storages *s, const pickle *p)
{
    int err = 0, kept = 0;
    size_t wanted = 0;
    char shown[PRINTABLE_MAX];
    *s = (torch_storages){0};
    for (uint32_t i = 0; i < p->value_count; i++) wanted += p->value[i].kind == PICKLE_STORAGE;
    if (wanted > TENSORS_MAX) return FAIL(SDCL_EMODEL, "%zu storages, expected at most %d", wanted, TENSORS_MAX);
    s->item = calloc(wanted + 1, sizeof *s->item);
    s->keys = malloc(wanted * (KEY_BYTES_MAX + 1) + 1);
    if (!s->item || !s->keys) TRY(FAIL(SDCL_ENOMEM, "out of memory for %zu storages", wanted));
    char *key = s->keys;
    for (uint32_t i = 0; i < p->value_count; i++) {
        if (p->value[i].kind != PICKLE_STORAGE) continue;
        TRY(read_storage(&s->item[s->count++], key, p, &p->value[i]));
        key += strlen(key) + 1;
    }
    qsort(s->item, (size_t)s->count, sizeof *s->item, by_key);
    for (int i = 0; i < s->count; i++) {
        const torch_storage *a = &s->item[i], *b = kept ? &s->item[kept - 1] : NULL;
        if (!b || strcmp(a->key, b->key) != 0) s->item[kept++] = *a;
        else if (a->dtype != b->dtype || a->elements != b->elements)
            TRY(FAIL(SDCL_EMODEL, "storage \"%s\" is mentioned with two types or lengths", printable(shown, a->key)));
    }
    s->count = kept;
out:
    return err;
}

void torch_storages_free(torch_storages *s)
{
    free(s->item);
    free(s->keys);
    *s = (torch_storages){0};
}

torch_storage *torch_storages_find(const torch_storages *s, const char *key, size_t key_bytes)
{
    char text[KEY_BYTES_MAX + 1];
    if (key_bytes > KEY_BYTES_MAX) return NULL;
    memcpy(text, key, key_bytes);
    text[key_bytes] = 0;
    const torch_storage wanted = {.key = text};
    return bsearch(&wanted, s->item, (size_t)s->count, sizeof wanted, by_key);
}

/* --- tensors ------------------------------------------------------------------------------------------------------ */

/* A tuple of non-negative integers; *n: how many. */
static int read_tuple(uint64_t *out, int *n, const pickle *p, const pickle_value *tuple, const char *what)
{
    const pickle_value *v;
    *n = 0;
    if (tuple->kind != PICKLE_TUPLE) return FAIL(SDCL_EMODEL, "its %s is not a tuple", what);
    if (tuple->n > TENSOR_RANK_MAX)
        return FAIL(SDCL_EMODEL, "its %s has %u dimensions, expected at most %d", what, tuple->n, TENSOR_RANK_MAX);
    for (uint32_t cell = tuple->first; (v = pickle_next(p, &cell));) {
        if (v->kind != PICKLE_INT || v->integer < 0)
            return FAIL(SDCL_EMODEL, "its %s holds something else than non-negative integers", what);
        out[(*n)++] = (uint64_t)v->integer;
    }
    return 0;
}

/* Whether the elements lie in row-major order without gaps. */
static bool contiguous(const file_tensor *t)
{
    uint64_t step = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->shape[i] == 1) continue;
        if (t->stride[i] != step) return false;
        step *= t->shape[i];
    }
    return true;
}

/* *last: the highest element that is touched, from the tensor's first. Refuses elements that share memory: each dimension
 * steps over all that the smaller steps reach. */
static int check_strides(const file_tensor *t, uint64_t *last)
{
    int order[TENSOR_RANK_MAX], n = 0;
    for (int i = 0; i < t->rank; i++) {
        int at = n;
        if (t->shape[i] == 1) continue;
        for (; at > 0 && t->stride[order[at - 1]] > t->stride[i]; at--) order[at] = order[at - 1];
        order[at] = i;
        n++;
    }
    *last = 0;
    for (int i = 0; i < n; i++) {
        uint64_t reach;
        if (t->stride[order[i]] <= *last)
            return FAIL(SDCL_EMODEL, "its strides make elements share memory: a view, not a weight");
        if (!checked_mul(&reach, t->shape[order[i]] - 1, t->stride[order[i]]) || !checked_add(last, *last, reach))
            return FAIL(SDCL_EMODEL, "its strides overflow");
    }
    return 0;
}

/* t's name is set. */
static int read_tensor(file_tensor *t, const pickle *p, const pickle_value *v, const torch_storages *s)
{
    const pickle_value *part[TENSOR_STRIDE + 1];
    int err = 0, strides;
    uint64_t first, last = 0, end;
    if (v->n <= TENSOR_STRIDE) return FAIL(SDCL_EMODEL, "is made from %u arguments, expected 4 or more", v->n);
    for (uint32_t i = 0; i <= TENSOR_STRIDE; i++) part[i] = pickle_item(p, v, i);
    if (part[TENSOR_STORAGE]->kind != PICKLE_STORAGE) return FAIL(SDCL_EMODEL, "has no storage");
    if (part[TENSOR_OFFSET]->kind != PICKLE_INT || part[TENSOR_OFFSET]->integer < 0)
        return FAIL(SDCL_EMODEL, "its offset is not a non-negative integer");
    const pickle_value *key = pickle_item(p, part[TENSOR_STORAGE], ID_KEY);
    const torch_storage *storage = torch_storages_find(s, (const char *)key->bytes, key->n);
    if (!storage) return FAIL(SDCL_EINTERNAL, "its storage was not collected");
    TRY(read_tuple(t->shape, &t->rank, p, part[TENSOR_SIZE], "shape"));
    TRY(read_tuple(t->stride, &strides, p, part[TENSOR_STRIDE], "stride"));
    if (strides != t->rank) return FAIL(SDCL_EMODEL, "has %d dimensions and %d strides", t->rank, strides);
    t->dtype = storage->dtype;
    const uint64_t size = (uint64_t)file_dtype_size(t->dtype);
    first = (uint64_t)part[TENSOR_OFFSET]->integer;
    if (!checked_product(&t->elements, t->shape, t->rank) || !checked_mul(&t->bytes, t->elements, size))
        return FAIL(SDCL_EMODEL, "shape overflows: its size does not fit in 64 bits");
    if (t->elements) TRY(check_strides(t, &last));
    if (!checked_add(&end, first, last) || !checked_add(&end, end, t->elements ? 1 : 0) || end > storage->elements)
        return FAIL(SDCL_EMODEL, "reaches beyond the %" PRIu64 " elements of its storage", storage->elements);
    t->strided = t->elements && !contiguous(t);
    t->offset = storage->offset + first * size;
out:
    return err;
}

/* The dict of tensors. */
static int find_state(const pickle *p, const pickle_value **state)
{
    const pickle_value *root = pickle_root(p), *inner;
    if (root->kind != PICKLE_DICT) return FAIL(SDCL_EMODEL, "the file holds no table of tensors");
    inner = pickle_get(p, root, "state_dict");
    if (inner && inner->kind != PICKLE_DICT) return FAIL(SDCL_EMODEL, "its state_dict is not a table of tensors");
    *state = inner ? inner : root;
    return 0;
}

static int read_entry(tensor_file *f, char **name, const pickle *p, const pickle_value *k, const pickle_value *v,
                      const torch_storages *s)
{
    char shown[PRINTABLE_MAX];
    int err = 0;
    if (k->kind != PICKLE_TEXT) return FAIL(SDCL_EMODEL, "a tensor whose name is not a text");
    file_tensor *t = &f->tensors[f->count++];
    t->name = *name;
    memcpy(*name, k->bytes, k->n);
    (*name)[k->n] = 0;
    *name += k->n + 1;
    if (strlen(t->name) != k->n)
        return FAIL(SDCL_EMODEL, "tensor \"%s\": a NUL in its name", printable(shown, t->name));
    TRY(container_check_name(t->name));
    err = read_tensor(t, p, v, s);
    if (err) error_prefix(err, "tensor \"%s\"", printable(shown, t->name));
out:
    return err;
}

int torch_state_read(tensor_file *f, const pickle *p, const torch_storages *s)
{
    int err = 0;
    size_t tensors = 0, name_bytes = 0;
    const pickle_value *state = NULL, *k, *v;
    TRY(find_state(p, &state));
    for (uint32_t cell = state->first; (k = pickle_next(p, &cell));) {
        v = pickle_next(p, &cell);
        tensors += v->kind == PICKLE_TENSOR;
        if (v->kind == PICKLE_TENSOR && k->kind == PICKLE_TEXT) name_bytes += k->n + (size_t)1;
    }
    if (!tensors) TRY(FAIL(SDCL_EMODEL, "the file holds no tensors"));
    if (tensors > TENSORS_MAX || name_bytes > NAMES_BYTES_MAX)
        TRY(FAIL(SDCL_EMODEL, "%zu tensors with %zu bytes of names, expected at most %d", tensors, name_bytes,
                 TENSORS_MAX));
    f->tensors = calloc(tensors, sizeof *f->tensors);
    char *name = f->names = malloc(name_bytes + 1);
    if (!f->tensors || !name) TRY(FAIL(SDCL_ENOMEM, "out of memory for %zu tensors", tensors));
    for (uint32_t cell = state->first; (k = pickle_next(p, &cell));) {
        v = pickle_next(p, &cell);
        if (v->kind == PICKLE_TENSOR) TRY(read_entry(f, &name, p, k, v, s));
    }
out:
    return err;
}
