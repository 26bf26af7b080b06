/* SPDX-License-Identifier: MIT */
/* The safetensors container: u64 little-endian header length, JSON header, data. The file is hostile until every number
 * has been checked: the ranges of the tensors tile the data from its first byte to the end of the file, and each is as
 * long as its shape and dtype say. */
#include "base/checked.h"
#include "base/error.h"
#include "base/printable.h"
#include "io/bytes.h"
#include "io/container.h"
#include "io/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_START = 8,
    HEADER_MAX = 16 << 20, /* a large model has 0.3 MB; the format's own limit of 100 MB costs a gigabyte to parse */
    VALUES_MAX = 1 << 18   /* JSON values in a header, about 120 bytes each in memory; a tensor of rank 4 takes 10 */
};

static const char metadata_key[] = "__metadata__";

/* --- the header as text ------------------------------------------------------------------------------------------- */

/* Names the format that the first bytes of something else belong to. */
static int refuse_other_format(const unsigned char start[8], uint64_t header_bytes, const char *why)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what;
    } formats[] = {
        {"GGUF", 4, "a GGUF file"},
        {"\x89HDF", 4, "an HDF5 file"},
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (!memcmp(start, formats[i].magic, formats[i].n)) {
            int err = FAIL(SDCL_EMODEL, "is %s, expected safetensors or a .ckpt of PyTorch", formats[i].what);
            error_hint("take the model's .safetensors or .ckpt file");
            return err;
        }
    return FAIL(SDCL_EMODEL, "not a safetensors file, or cut short: a header of %" PRIu64 " bytes, %s", header_bytes,
                why);
}

/* Bounds the memory and time of the parser by what the text can hold, and refuses "-0", which the parser reads as 0. */
static int scan_header(const char *s, size_t n)
{
    bool string = false;
    int values = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"') string = !string;
        else if (string) i += s[i] == '\\';
        else if (s[i] == '-' && i + 1 < n && s[i + 1] == '0')
            return FAIL(SDCL_EMODEL, "header, byte %zu: \"-0\", expected a non-negative integer", i);
        else if ((s[i] == ',' || s[i] == '{' || s[i] == '[') && ++values > VALUES_MAX)
            return FAIL(SDCL_EMODEL, "header of more than %d values, expected at most about %d tensors", VALUES_MAX,
                        VALUES_MAX / 10);
    }
    return 0;
}

/* *root: the header's object, owned by the caller; *data_start: where it ends in the file. */
static int parse_header(const tensor_file *f, json_t **root, uint64_t *data_start)
{
    int err = 0;
    unsigned char start[HEADER_START];
    char *text = NULL, shown[PRINTABLE_MAX];
    json_error_t e;
    if (f->size < HEADER_START)
        return FAIL(SDCL_EMODEL, "is %" PRIu64 " bytes, too short for a safetensors file", f->size);
    TRY(file_read_at(f->fd, "header", 0, sizeof start, start));
    uint64_t n = read_u64(start);
    if (n > f->size - HEADER_START) TRY(refuse_other_format(start, n, "more than the file holds"));
    if (n > HEADER_MAX) TRY(refuse_other_format(start, n, "expected at most 16 MiB"));
    text = malloc((size_t)n + 1);
    if (!text) TRY(FAIL(SDCL_ENOMEM, "out of memory for a header of %" PRIu64 " bytes", n));
    TRY(file_read_at(f->fd, "header", HEADER_START, n, text));
    TRY(scan_header(text, (size_t)n));
    *root = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &e);
    if (!*root) TRY(FAIL(SDCL_EMODEL, "header is not valid JSON: byte %d: %s", e.position, printable(shown, e.text)));
    if (!json_is_object(*root)) TRY(FAIL(SDCL_EMODEL, "header is not a JSON object"));
    *data_start = HEADER_START + n;
out:
    free(text);
    return err;
}

/* --- one entry ---------------------------------------------------------------------------------------------------- */

static const char *json_kind(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number with a fraction or exponent";
    case JSON_NULL: return "null";
    default: return "a boolean";
    }
}

static int read_unsigned(uint64_t *r, const json_t *v, const char *what)
{
    if (!json_is_integer(v))
        return FAIL(SDCL_EMODEL, "%s holds %s, expected a non-negative integer", what, json_kind(v));
    if (json_integer_value(v) < 0)
        return FAIL(SDCL_EMODEL, "%s holds %" JSON_INTEGER_FORMAT ", expected a non-negative integer", what,
                    json_integer_value(v));
    *r = (uint64_t)json_integer_value(v);
    return 0;
}

static int read_dtype(file_dtype *d, const json_t *v)
{
    static const char *const unsupported[] = {"U16",         "U32",     "U64",     "F8_E5M2", "F8_E4M3", "F8_E5M2FNUZ",
                                              "F8_E4M3FNUZ", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4",      "C64"};
    char shown[PRINTABLE_MAX];
    if (!json_is_string(v)) return FAIL(SDCL_EMODEL, "dtype is %s, expected a string", json_kind(v));
    const char *name = json_string_value(v);
    for (*d = FILE_F64; *d <= FILE_BOOL; (*d)++)
        if (!strcmp(name, file_dtype_name(*d))) return 0;
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
        if (!strcmp(name, unsupported[i])) {
            int err = FAIL(SDCL_EMODEL, "dtype %s is not supported", name);
            error_hint("convert the file to F16 or F32");
            return err;
        }
    return FAIL(SDCL_EMODEL, "unknown dtype \"%s\", expected F32, F16, BF16 or another of the format's names",
                printable(shown, name));
}

static int read_shape(file_tensor *t, const json_t *v)
{
    if (!json_is_array(v)) return FAIL(SDCL_EMODEL, "shape is %s, expected an array", json_kind(v));
    size_t rank = json_array_size(v);
    if (rank > TENSOR_RANK_MAX)
        return FAIL(SDCL_EMODEL, "shape has %zu dimensions, expected at most %d", rank, TENSOR_RANK_MAX);
    t->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        int err = read_unsigned(&t->shape[i], json_array_get(v, i), "shape");
        if (err) return err;
    }
    if (!checked_product(&t->elements, t->shape, t->rank) ||
        !checked_mul(&t->bytes, t->elements, (uint64_t)file_dtype_size(t->dtype)))
        return FAIL(SDCL_EMODEL, "shape overflows: its size does not fit in 64 bits");
    return 0;
}

/* t->offset becomes the offset within the data; t->bytes is known from the shape. */
static int read_offsets(file_tensor *t, const json_t *v)
{
    uint64_t end = 0;
    int err = 0;
    if (!json_is_array(v)) return FAIL(SDCL_EMODEL, "data_offsets is %s, expected [begin, end]", json_kind(v));
    if (json_array_size(v) != 2)
        return FAIL(SDCL_EMODEL, "data_offsets has %zu values, expected 2", json_array_size(v));
    TRY(read_unsigned(&t->offset, json_array_get(v, 0), "data_offsets"));
    TRY(read_unsigned(&end, json_array_get(v, 1), "data_offsets"));
    if (end < t->offset)
        return FAIL(SDCL_EMODEL, "data_offsets end at %" PRIu64 ", before their begin %" PRIu64, end, t->offset);
    if (end - t->offset != t->bytes)
        return FAIL(SDCL_EMODEL, "data_offsets span %" PRIu64 " bytes, expected %" PRIu64 " from shape and dtype %s",
                    end - t->offset, t->bytes, file_dtype_name(t->dtype));
out:
    return err;
}

static int read_entry(file_tensor *t, json_t *entry)
{
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    char shown[PRINTABLE_MAX];
    const json_t *v[FIELDS];
    const char *key;
    json_t *ignored;
    int err = 0;
    if (!json_is_object(entry)) return FAIL(SDCL_EMODEL, "is %s, expected an object", json_kind(entry));
    for (int i = 0; i < FIELDS; i++) {
        v[i] = json_object_get(entry, fields[i]);
        if (!v[i]) return FAIL(SDCL_EMODEL, "has no %s", fields[i]);
    }
    json_object_foreach(entry, key, ignored)
    {
        if (strcmp(key, fields[0]) && strcmp(key, fields[1]) && strcmp(key, fields[2]))
            return FAIL(SDCL_EMODEL, "unknown field \"%s\", expected only dtype, shape and data_offsets",
                        printable(shown, key));
    }
    TRY(read_dtype(&t->dtype, v[0]));
    TRY(read_shape(t, v[1]));
    TRY(read_offsets(t, v[2]));
out:
    return err;
}

static int check_metadata(json_t *metadata)
{
    char shown[PRINTABLE_MAX];
    const char *key;
    json_t *v;
    if (!json_is_object(metadata))
        return FAIL(SDCL_EMODEL, "%s is %s, expected an object", metadata_key, json_kind(metadata));
    json_object_foreach(metadata, key, v)
    {
        if (!json_is_string(v))
            return FAIL(SDCL_EMODEL, "%s: \"%s\" is %s, expected a string", metadata_key, printable(shown, key),
                        json_kind(v));
    }
    return 0;
}

/* --- all entries -------------------------------------------------------------------------------------------------- */

static int read_entries(tensor_file *f, json_t *root)
{
    int err = 0;
    char shown[PRINTABLE_MAX];
    const char *key;
    json_t *entry;
    size_t name_bytes = 0;
    json_object_foreach(root, key, entry) name_bytes += strlen(key) + 1;
    f->tensors = calloc(json_object_size(root) + 1, sizeof *f->tensors);
    char *name = f->names = malloc(name_bytes + 1);
    if (!f->tensors || !name) return FAIL(SDCL_ENOMEM, "out of memory for %zu tensors", json_object_size(root));
    json_object_foreach(root, key, entry)
    {
        if (!strcmp(key, metadata_key)) {
            TRY(check_metadata(entry));
            continue;
        }
        TRY(container_check_name(key));
        file_tensor *t = &f->tensors[f->count++];
        t->name = strcpy(name, key);
        name += strlen(key) + 1;
        err = read_entry(t, entry);
        if (err) return error_prefix(err, "tensor \"%s\"", printable(shown, key));
    }
out:
    return err;
}

/* Empty tensors come before the one that begins at their offset, by name: the header's own order does not matter. */
static int by_offset(const void *pa, const void *pb)
{
    const file_tensor *a = pa, *b = pb;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    if (!a->bytes != !b->bytes) return a->bytes ? 1 : -1;
    return strcmp(a->name, b->name);
}

/* No gap, no overlap, nothing behind the last tensor. Turns offsets within the data into offsets within the file. */
static int check_tiling(tensor_file *f, uint64_t data_start)
{
    char shown[PRINTABLE_MAX], before[PRINTABLE_MAX];
    const uint64_t data_bytes = f->size - data_start;
    uint64_t end = 0;
    qsort(f->tensors, (size_t)f->count, sizeof *f->tensors, by_offset);
    for (int i = 0; i < f->count; i++) {
        file_tensor *t = &f->tensors[i];
        printable(shown, t->name);
        if (t->offset > end)
            return FAIL(SDCL_EMODEL, "tensor \"%s\" begins at byte %" PRIu64 ", expected %" PRIu64 ": a gap", shown,
                        t->offset, end);
        if (t->offset < end)
            return FAIL(SDCL_EMODEL, "tensor \"%s\" begins at byte %" PRIu64 ", expected %" PRIu64 ": overlaps \"%s\"",
                        shown, t->offset, end, printable(before, t[-1].name));
        if (!checked_add(&end, t->offset, t->bytes) || end > data_bytes) {
            int err = FAIL(SDCL_EMODEL,
                           "tensor \"%s\" needs bytes %" PRIu64 " to %" PRIu64 " of the data, the file has %" PRIu64,
                           shown, t->offset, end, data_bytes);
            error_hint("the file is cut short: download it again");
            return err;
        }
        t->offset += data_start; /* cannot wrap: within the file */
    }
    if (end != data_bytes)
        return FAIL(SDCL_EMODEL, "%" PRIu64 " bytes behind the last tensor, expected none", data_bytes - end);
    return 0;
}

int safetensors_read_header(tensor_file *f)
{
    int err = 0;
    json_t *root = NULL;
    uint64_t data_start = 0;
    TRY(parse_header(f, &root, &data_start));
    TRY(read_entries(f, root));
    TRY(check_tiling(f, data_start));
out:
    json_decref(root);
    return err;
}
