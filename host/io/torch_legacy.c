/* SPDX-License-Identifier: MIT */
/* What torch.save wrote before 1.6, and still writes when asked to: five pickles (a magic number, a version, sizes of C types,
 * the object, the list of its storages' keys), then for each key the number of elements and the elements. */
#include "io/container.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/printable.h"
#include "io/bytes.h"
#include "io/file.h"
#include "io/pickle.h"
#include "io/torch_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PICKLE_MAGIC, PICKLE_VERSION, PICKLE_SYSTEM, PICKLE_OBJECT, PICKLE_KEYS, PICKLE_COUNT };

static const char *const pickle_name[PICKLE_COUNT] = {"magic number", "version", "system", "object", "storage keys"};
static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
enum { VERSION = 1001 };

static int check_start(const pickle p[PICKLE_COUNT])
{
    const pickle_value *number = pickle_root(&p[PICKLE_MAGIC]), *version = pickle_root(&p[PICKLE_VERSION]),
                       *system = pickle_root(&p[PICKLE_SYSTEM]), *little = NULL;
    if (number->kind != PICKLE_LONG || number->n != sizeof magic || memcmp(number->bytes, magic, sizeof magic) != 0)
        return FAIL(SDCL_EMODEL, "a Python pickle, but not of torch.save");
    if (version->kind != PICKLE_INT || version->integer != VERSION)
        return FAIL(SDCL_EMODEL, "a file of PyTorch in an unknown version, expected %d", VERSION);
    if (system->kind == PICKLE_DICT) little = pickle_get(&p[PICKLE_SYSTEM], system, "little_endian");
    if (!little || little->kind != PICKLE_BOOL || !little->integer)
        return FAIL(SDCL_EMODEL, "its numbers are not said to be little-endian");
    return 0;
}

/* text: the beginning of the file, n bytes. *end: where the pickles end. */
static int read_pickles(pickle p[PICKLE_COUNT], const unsigned char *text, size_t n, uint64_t *end)
{
    size_t at = 0, used;
    int err = 0;
    for (int i = 0; i < PICKLE_COUNT; i++) {
        err = pickle_read(&p[i], text + at, n - at, &used);
        if (err && i == PICKLE_MAGIC) return FAIL(SDCL_EMODEL, "a Python pickle, but not of torch.save");
        if (err && at + used == n && n == PICKLE_BYTES_MAX)
            error_hint("pickles of more than %d MiB are not read", PICKLE_BYTES_MAX >> 20);
        if (err) return error_prefix(err, "%s", pickle_name[i]);
        at += used;
        if (i == PICKLE_SYSTEM) TRY(check_start(p));
    }
    *end = at;
out:
    return err;
}

/* Walks the storages in the order of the keys, up to the end of the file. */
static int place_storages(torch_storages *s, const pickle *keys, const tensor_file *f, uint64_t at)
{
    const pickle_value *list = pickle_root(keys), *key;
    char shown[PRINTABLE_MAX];
    int err = 0;
    if (list->kind != PICKLE_LIST) return FAIL(SDCL_EMODEL, "storage keys: not a list");
    if (list->n != (uint32_t)s->count)
        return FAIL(SDCL_EMODEL, "%u storage keys, but %d storages are mentioned", list->n, s->count);
    for (uint32_t cell = list->first; (key = pickle_next(keys, &cell));) {
        torch_storage *t = key->kind == PICKLE_TEXT ? torch_storages_find(s, (const char *)key->bytes, key->n) : NULL;
        unsigned char elements[8];
        if (!t) return FAIL(SDCL_EMODEL, "a storage key that the object does not mention");
        printable(shown, t->key);
        if (t->offset) return FAIL(SDCL_EMODEL, "storage \"%s\" is there twice", shown);
        if (f->size - at < sizeof elements)
            return FAIL(SDCL_EMODEL, "the file ends before storage \"%s\": cut short", shown);
        TRY(file_read_at(f->fd, "storages", at, sizeof elements, elements));
        at += sizeof elements;
        if (read_u64(elements) != t->elements)
            return FAIL(SDCL_EMODEL, "storage \"%s\" has %" PRIu64 " elements, expected %" PRIu64, shown,
                        read_u64(elements), t->elements);
        if (t->bytes > f->size - at) return FAIL(SDCL_EMODEL, "the file ends within storage \"%s\": cut short", shown);
        t->offset = at;
        at += t->bytes;
    }
    if (at != f->size) return FAIL(SDCL_EMODEL, "%" PRIu64 " bytes behind the last storage", f->size - at);
out:
    return err;
}

int torch_legacy_read_header(tensor_file *f)
{
    const size_t n = f->size < PICKLE_BYTES_MAX ? (size_t)f->size : PICKLE_BYTES_MAX;
    pickle p[PICKLE_COUNT] = {0};
    torch_storages storages = {0};
    uint64_t end = 0;
    int err = 0;
    unsigned char *text = malloc(n + 1);
    if (!text) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    TRY(file_read_at(f->fd, "pickles", 0, n, text));
    TRY(read_pickles(p, text, n, &end));
    TRY(torch_storages_collect(&storages, &p[PICKLE_OBJECT]));
    TRY(place_storages(&storages, &p[PICKLE_KEYS], f, end));
    TRY(torch_state_read(f, &p[PICKLE_OBJECT], &storages));
out:
    torch_storages_free(&storages);
    for (int i = 0; i < PICKLE_COUNT; i++) pickle_free(&p[i]);
    free(text);
    return err;
}
