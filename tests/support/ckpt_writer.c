/* SPDX-License-Identifier: MIT */
#include "ckpt_writer.h"

#include "need.h"
#include "st_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* --- bytes -------------------------------------------------------------------------------------------------------- */

void blob_add(blob *b, const void *bytes, size_t n)
{
    if (b->n + n > b->capacity) {
        b->capacity = 2 * (b->n + n) + 64;
        b->bytes = realloc(b->bytes, b->capacity);
        NEED(b->bytes);
    }
    if (n) memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

void blob_text(blob *b, const char *text) { blob_add(b, text, strlen(text)); }

void blob_number(blob *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) blob_add(b, &(unsigned char){(unsigned char)(v >> 8 * i)}, 1);
}

void blob_set(blob *b, size_t at, uint64_t v, int bytes)
{
    NEED(at + (size_t)bytes <= b->n);
    for (int i = 0; i < bytes; i++) b->bytes[at + (size_t)i] = (unsigned char)(v >> 8 * i);
}

void blob_write(const blob *b, const char *path) { st_write_bytes(path, b->bytes, b->n); }

void blob_free(blob *b)
{
    free(b->bytes);
    *b = (blob){0};
}

/* --- pickles ------------------------------------------------------------------------------------------------------ */

void pw_op(blob *b, int opcode) { blob_number(b, (uint64_t)opcode, 1); }

void pw_begin(blob *b) { blob_add(b, "\x80\x02", 2); }

void pw_text(blob *b, const char *text)
{
    pw_op(b, 'X');
    blob_number(b, strlen(text), 4);
    blob_text(b, text);
}

void pw_int(blob *b, int64_t v)
{
    const bool narrow = v >= INT32_MIN && v <= INT32_MAX;
    if (v >= 0 && v < 256) pw_op(b, 'K');
    else if (narrow) pw_op(b, 'J');
    else blob_add(b, "\x8a\x08", 2);
    blob_number(b, (uint64_t)v, v >= 0 && v < 256 ? 1 : narrow ? 4 : 8);
}

void pw_global(blob *b, const char *module, const char *name)
{
    pw_op(b, 'c');
    blob_text(b, module);
    blob_text(b, "\n");
    blob_text(b, name);
    blob_text(b, "\n");
}

void pw_ints(blob *b, int n, const int64_t *v)
{
    pw_op(b, '(');
    for (int i = 0; i < n; i++) pw_int(b, v[i]);
    pw_op(b, 't');
}

void pw_storage(blob *b, const pw_tensor *t)
{
    pw_op(b, '(');
    pw_text(b, "storage");
    pw_global(b, "torch", t->class);
    pw_text(b, t->key);
    pw_text(b, "cpu");
    pw_int(b, t->elements);
    if (t->legacy) pw_op(b, 'N');
    pw_op(b, 't');
    pw_op(b, 'Q');
}

void pw_rebuild(blob *b, const pw_tensor *t, int strides)
{
    pw_global(b, "torch._utils", "_rebuild_tensor_v2");
    pw_op(b, '(');
    pw_storage(b, t);
    pw_int(b, t->offset);
    pw_ints(b, t->rank, t->shape);
    pw_ints(b, strides, t->stride);
    pw_op(b, 0x89);
    pw_global(b, "collections", "OrderedDict");
    blob_text(b, ")RtR");
}

void pw_sample(blob *b, bool legacy)
{
    const pw_tensor w = {"FloatStorage", "0", 6, 0, 2, {2, 3}, {3, 1}, legacy},
                    v = {"HalfStorage", "1", 4, 0, 1, {4}, {1}, legacy};
    pw_begin(b);
    blob_text(b, "}q");
    blob_number(b, 0, 1);
    pw_text(b, "state_dict");
    pw_global(b, "collections", "OrderedDict");
    blob_text(b, ")R(");
    pw_text(b, "w");
    pw_rebuild(b, &w, 2);
    pw_text(b, "v");
    pw_rebuild(b, &v, 1);
    blob_text(b, "us.");
}

/* --- zip archives ------------------------------------------------------------------------------------------------- */

static void add_crc_and_sizes(zip_file *z, const zip_record *m, bool zero)
{
    blob_number(&z->b, zero ? 0 : m->crc, 4);
    blob_number(&z->b, zero ? 0 : m->bytes, 4);
    blob_number(&z->b, zero ? 0 : m->bytes, 4);
}

void zip_add(zip_file *z, const char *name, const void *bytes, size_t n)
{
    NEED(z->count < (int)(sizeof z->member / sizeof z->member[0]));
    zip_record *m = &z->member[z->count++];
    *m = (zip_record){.local = z->b.n, .bytes = n};
    snprintf(m->name, sizeof m->name, "%s", name);
    m->crc = z->no_checksums ? 0 : (uint32_t)crc32_z(0, bytes, n);
    const bool deferred = !z->plain;
    /* PyTorch aligns data to 64 bytes with an extra field. */
    size_t head = z->b.n + 30 + strlen(name), pad = z->plain ? 0 : 4 + (64 - (head + 4) % 64) % 64;
    blob_add(&z->b, "PK\3\4\0\0", 6);
    blob_number(&z->b, deferred ? 0x0808 : 0, 2);
    blob_number(&z->b, 0, 2 + 4); /* method, time */
    add_crc_and_sizes(z, m, deferred);
    blob_number(&z->b, strlen(name), 2);
    blob_number(&z->b, pad, 2);
    blob_text(&z->b, name);
    if (pad) {
        blob_text(&z->b, "FB");
        blob_number(&z->b, pad - 4, 2);
        for (size_t i = 4; i < pad; i++) blob_text(&z->b, "Z");
    }
    m->data = z->b.n;
    blob_add(&z->b, bytes, n);
    if (!deferred) return;
    m->descriptor = z->b.n;
    blob_add(&z->b, "PK\7\10", 4);
    add_crc_and_sizes(z, m, false);
}

void zip_finish(zip_file *z)
{
    z->directory = z->b.n;
    for (int i = 0; i < z->count; i++) {
        zip_record *m = &z->member[i];
        m->central = z->b.n;
        blob_add(&z->b, "PK\1\2\0\0\0\0", 8);
        blob_number(&z->b, z->plain ? 0 : 0x0808, 2);
        blob_number(&z->b, 0, 2 + 4);
        add_crc_and_sizes(z, m, false);
        blob_number(&z->b, strlen(m->name), 2);
        blob_number(&z->b, 0, 2 + 2 + 2 + 2); /* extra, comment, disk, attributes */
        blob_number(&z->b, 0, 4);
        blob_number(&z->b, m->local, 4);
        blob_text(&z->b, m->name);
    }
    const uint64_t bytes = z->b.n - z->directory, count = (uint64_t)z->count;
    if (!z->plain) {
        z->end64 = z->b.n;
        blob_add(&z->b, "PK\6\6", 4);
        blob_number(&z->b, 44, 8);
        blob_number(&z->b, 0, 2 + 2 + 4);
        blob_number(&z->b, 0, 4);
        blob_number(&z->b, count, 8);
        blob_number(&z->b, count, 8);
        blob_number(&z->b, bytes, 8);
        blob_number(&z->b, z->directory, 8);
        z->locator = z->b.n;
        blob_add(&z->b, "PK\6\7\0\0\0\0", 8);
        blob_number(&z->b, z->end64, 8);
        blob_number(&z->b, 1, 4);
    }
    z->end = z->b.n;
    blob_add(&z->b, "PK\5\6\0\0\0\0", 8);
    blob_number(&z->b, count, 2);
    blob_number(&z->b, count, 2);
    blob_number(&z->b, bytes, 4);
    blob_number(&z->b, z->directory, 4);
    blob_number(&z->b, 0, 2);
}

zip_record *zip_member_of(zip_file *z, const char *name)
{
    int i = 0;
    while (i < z->count && strcmp(z->member[i].name, name)) i++;
    NEED(i < z->count);
    return &z->member[i];
}

void zip_close(zip_file *z)
{
    blob_free(&z->b);
    z->count = 0;
}

void zip_sample(zip_file *z, const blob *pickle)
{
    unsigned char data[SAMPLE_W];
    for (size_t i = 0; i < sizeof data; i++) data[i] = st_data(i);
    zip_add(z, "a/data.pkl", pickle->bytes, pickle->n);
    zip_add(z, "a/byteorder", "little", 6);
    zip_add(z, "a/data/0", data, SAMPLE_W);
    zip_add(z, "a/data/1", data, SAMPLE_V);
    zip_add(z, "a/version", "3\n", 2);
}

/* --- before 1.6 --------------------------------------------------------------------------------------------------- */

static void legacy_begin(blob *b)
{
    blob_add(b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.", 21);
    pw_begin(b);
    blob_text(b, "}(");
    pw_text(b, "protocol_version");
    blob_add(b, "M\xe9\x03", 3);
    pw_text(b, "little_endian");
    pw_op(b, 0x88);
    blob_text(b, "u.");
}

void legacy_sample(blob *b, const blob *object)
{
    unsigned char data[SAMPLE_W];
    for (size_t i = 0; i < sizeof data; i++) data[i] = st_data(i);
    legacy_begin(b);
    if (object) blob_add(b, object->bytes, object->n);
    else pw_sample(b, true);
    pw_begin(b);
    blob_text(b, "](");
    pw_text(b, "0");
    pw_text(b, "1");
    blob_text(b, "e.");
    blob_number(b, 6, 8);
    blob_add(b, data, SAMPLE_W);
    blob_number(b, 4, 8);
    blob_add(b, data, SAMPLE_V);
}

/* --- whole models ------------------------------------------------------------------------------------------------- */

static pw_tensor describe(const st_tensor *t, char key[16], int i, bool legacy)
{
    static const char *const classes[][2] = {
        {"F64", "DoubleStorage"}, {"F32", "FloatStorage"}, {"F16", "HalfStorage"}, {"BF16", "BFloat16Storage"},
        {"I64", "LongStorage"},   {"I32", "IntStorage"},   {"U8", "ByteStorage"},
    };
    pw_tensor p = {.key = key, .elements = 1, .rank = t->rank, .legacy = legacy};
    snprintf(key, 16, "%d", i);
    for (size_t c = 0; c < sizeof classes / sizeof classes[0]; c++)
        if (!strcmp(t->dtype, classes[c][0])) p.class = classes[c][1];
    NEED(p.class);
    for (int d = t->rank - 1; d >= 0; d--) {
        p.shape[d] = (int64_t)t->shape[d];
        p.stride[d] = p.elements;
        p.elements *= p.shape[d];
    }
    return p;
}

void ckpt_from_list(const st_list *l, const char *path, bool legacy)
{
    static zip_file z;
    blob object = {0}, b = {0};
    char key[16], name[80];
    pw_begin(&object);
    blob_text(&object, "}");
    pw_text(&object, "state_dict");
    blob_text(&object, "}(");
    for (int i = 0; i < l->count; i++) {
        const pw_tensor p = describe(&l->tensor[i], key, i, legacy);
        pw_text(&object, l->tensor[i].name);
        pw_rebuild(&object, &p, p.rank);
    }
    blob_text(&object, "us.");
    z = (zip_file){0};
    if (legacy) {
        legacy_begin(&b);
        blob_add(&b, object.bytes, object.n);
        pw_begin(&b);
        blob_text(&b, "](");
        for (int i = 0; i < l->count; i++) {
            snprintf(key, sizeof key, "%d", i);
            pw_text(&b, key);
        }
        blob_text(&b, "e.");
    } else {
        zip_add(&z, "model/data.pkl", object.bytes, object.n);
    }
    for (int i = 0; i < l->count; i++) {
        const st_tensor *t = &l->tensor[i];
        snprintf(name, sizeof name, "model/data/%d", i);
        if (legacy) {
            blob_number(&b, (uint64_t)describe(t, key, i, true).elements, 8);
            blob_add(&b, t->data, t->bytes);
        } else {
            zip_add(&z, name, t->data, t->bytes);
        }
    }
    if (!legacy) zip_finish(&z);
    blob_write(legacy ? &b : &z.b, path);
    zip_close(&z);
    blob_free(&b);
    blob_free(&object);
}
