/* SPDX-License-Identifier: MIT */
/* Files of torch.save that are read: written by hand here, and by PyTorch in tests/golden/ckpt. */
#include "ckpt_writer.h"
#include "model_fixture.h"
#include "st_writer.h"

#include <fcntl.h>
#include <unistd.h>

static tensor_file *open_file(const char *path)
{
    tensor_file *f = NULL;
    if (tensor_file_open(&f, path)) fail_msg("%s: %s", path, sdcl_last_error());
    return f;
}

static void assert_sample(tensor_file *f)
{
    unsigned char w[SAMPLE_W], v[SAMPLE_V];
    const file_tensor *t = tensor_file_find(f, "w");
    assert_int_equal(tensor_file_count(f), 2);
    assert_non_null(t);
    assert_int_equal(t->dtype, FILE_F32);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], 2);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(t->bytes, SAMPLE_W);
    assert_false(t->strided);
    assert_int_equal(tensor_file_read(f, t, 0, sizeof w, w), 0);
    for (size_t i = 0; i < sizeof w; i++) assert_int_equal(w[i], st_data(i));
    assert_int_equal(tensor_file_read(f, t, 4, 8, w), 0);
    for (size_t i = 0; i < 8; i++) assert_int_equal(w[i], st_data(4 + i));
    assert_int_equal(tensor_file_verify(f, t), 0);
    t = tensor_file_find(f, "v");
    assert_non_null(t);
    assert_int_equal(t->dtype, FILE_F16);
    assert_int_equal(t->elements, 4);
    assert_int_equal(tensor_file_read(f, t, 0, sizeof v, v), 0);
    for (size_t i = 0; i < sizeof v; i++) assert_int_equal(v[i], st_data(i));
    assert_int_equal(tensor_file_read(f, t, 4, 8, v), SDCL_EINTERNAL);
    tensor_file_close(&f);
}

static void test_zip(void **state)
{
    (void)state;
    blob pickle = {0};
    pw_sample(&pickle, false);
    for (int kind = 0; kind < 4; kind++) {
        zip_file z = {.plain = kind & 1, .no_checksums = kind & 2};
        zip_sample(&z, &pickle);
        zip_finish(&z);
        blob_write(&z.b, st_path("x.safetensors")); /* what a file is called does not matter */
        zip_close(&z);
        assert_sample(open_file(st_path("x.safetensors")));
    }
    blob_free(&pickle);
}

static void test_legacy(void **state)
{
    (void)state;
    blob b = {0};
    legacy_sample(&b, NULL);
    blob_write(&b, st_path("x.ckpt"));
    blob_free(&b);
    assert_sample(open_file(st_path("x.ckpt")));
}

/* Data that differ from their checksum are found by verifying, and by reading from the first byte to the last. */
static void test_checksums(void **state)
{
    (void)state;
    blob pickle = {0};
    zip_file z = {0};
    unsigned char w[SAMPLE_W];
    pw_sample(&pickle, false);
    zip_sample(&z, &pickle);
    zip_finish(&z);
    z.b.bytes[zip_member_of(&z, "a/data/0")->data + 5] ^= 1;
    blob_write(&z.b, st_path("x.ckpt"));
    tensor_file *f = open_file(st_path("x.ckpt"));
    const file_tensor *t = tensor_file_find(f, "w");
    assert_int_equal(tensor_file_verify(f, t), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "x.ckpt: tensor w: the checksum"));
    assert_int_equal(tensor_file_verify(f, tensor_file_find(f, "v")), 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(tensor_file_read(f, t, 0, 8, w), 0);
        assert_int_equal(tensor_file_read(f, t, 8, 12, w), 0);
        assert_int_equal(tensor_file_read(f, t, 20, 4, w), SDCL_EMODEL);
        assert_non_null(strstr(sdcl_last_error(), "x.ckpt: the checksum"));
    }
    assert_int_equal(tensor_file_read(f, t, 20, 4, w), 0); /* out of order: not compared */
    tensor_file_close(&f);
    zip_close(&z);
    blob_free(&pickle);
}

/* --- views -------------------------------------------------------------------------------------------------------- */

enum { ELEMENTS = 4 * 3 * 2 * 5 };

static uint16_t element(int64_t i) { return (uint16_t)(i * 7 + 1); }

/* Reads the tensor whole and in pieces of every length, and compares with the sums of index times stride. */
static void check_view(const pw_tensor *v)
{
    blob pickle = {0};
    zip_file z = {0};
    uint16_t data[ELEMENTS], got[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) data[i] = element(i);
    pw_begin(&pickle);
    blob_text(&pickle, "}");
    pw_text(&pickle, "t");
    pw_rebuild(&pickle, v, v->rank);
    blob_text(&pickle, "s.");
    zip_add(&z, "m/data.pkl", pickle.bytes, pickle.n);
    zip_add(&z, "m/data/0", data, sizeof data);
    zip_finish(&z);
    blob_write(&z.b, st_path("view.ckpt"));
    tensor_file *f = open_file(st_path("view.ckpt"));
    const file_tensor *t = tensor_file_find(f, "t");
    assert_true(t->elements <= ELEMENTS);
    for (uint64_t piece = 1; piece <= t->elements; piece++) {
        memset(got, 0, sizeof got);
        for (uint64_t at = 0; at < t->elements; at += piece) {
            const uint64_t n = t->elements - at < piece ? t->elements - at : piece;
            assert_int_equal(tensor_file_read(f, t, 2 * at, 2 * n, got + at), 0);
        }
        for (uint64_t i = 0; i < t->elements; i++) {
            int64_t offset = v->offset, rest = (int64_t)i;
            for (int d = v->rank - 1; d >= 0; d--) {
                offset += rest % v->shape[d] * v->stride[d];
                rest /= v->shape[d];
            }
            if (got[i] != element(offset)) fail_msg("element %d of a view of rank %d", (int)i, v->rank);
        }
    }
    if (t->strided) assert_int_equal(tensor_file_read(f, t, 1, 2, got), SDCL_EINTERNAL);
    tensor_file_close(&f);
    zip_close(&z);
    blob_free(&pickle);
}

static void test_views(void **state)
{
    (void)state;
    static const pw_tensor views[] = {
        {"HalfStorage", "0", ELEMENTS, 0, 2, {6, 20}, {20, 1}, false},             /* as it lies */
        {"HalfStorage", "0", ELEMENTS, 7, 2, {3, 20}, {20, 1}, false},             /* a slice */
        {"HalfStorage", "0", ELEMENTS, 0, 2, {20, 6}, {1, 20}, false},             /* transposed */
        {"HalfStorage", "0", ELEMENTS, 0, 4, {4, 3, 2, 5}, {30, 1, 15, 3}, false}, /* channels last */
        {"HalfStorage", "0", ELEMENTS, 2, 4, {4, 2, 1, 3}, {30, 1, 999, 5}, false},
        {"HalfStorage", "0", ELEMENTS, 1, 1, {40}, {2}, false}, /* every second */
        {"HalfStorage", "0", ELEMENTS, 3, 3, {2, 3, 4}, {60, 2, 10}, false},
        {"HalfStorage", "0", ELEMENTS, 119, 0, {0}, {0}, false},
        {"HalfStorage", "0", ELEMENTS, 120, 2, {0, 4}, {0, 9}, false},
        {"HalfStorage", "0", ELEMENTS, 5, 2, {1, 1}, {0, 0}, false},
    };
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) check_view(&views[i]);
}

/* --- large files -------------------------------------------------------------------------------------------------- */

/* Behind 4 GiB sizes and offsets are in ZIP64 fields. The storage of 5 GiB is a hole. */
static void test_beyond_4_gib(void **state)
{
    (void)state;
    const uint64_t hole = (uint64_t)5 << 30;
    blob pickle = {0}, start = {0}, rest = {0};
    const pw_tensor big = {"ByteStorage", "0", (int64_t)hole, 0, 1, {(int64_t)hole}, {1}, false},
                    small = {"ByteStorage", "1", 3, 0, 1, {3}, {1}, false};
    struct {
        const char *name;
        uint64_t local, bytes;
    } member[3] = {{.name = "a/data.pkl"}, {.name = "a/data/0", .bytes = hole}, {.name = "a/data/1", .bytes = 3}};
    pw_begin(&pickle);
    blob_text(&pickle, "}(");
    pw_text(&pickle, "big");
    pw_rebuild(&pickle, &big, 1);
    pw_text(&pickle, "small");
    pw_rebuild(&pickle, &small, 1);
    blob_text(&pickle, "u.");
    member[0].bytes = pickle.n;
    for (int i = 0; i < 3; i++) {
        blob *b = i < 2 ? &start : &rest;
        member[i].local = b->n + (i < 2 ? 0 : start.n + hole);
        blob_add(b, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
        blob_number(b, 0, 4); /* no checksums */
        blob_number(b, i == 1 ? UINT32_MAX : member[i].bytes, 4);
        blob_number(b, i == 1 ? UINT32_MAX : member[i].bytes, 4);
        blob_number(b, strlen(member[i].name), 2);
        blob_number(b, i == 1 ? 20 : 0, 2);
        blob_text(b, member[i].name);
        if (i == 1) {
            blob_add(b, "\1\0\20\0", 4);
            blob_number(b, hole, 8);
            blob_number(b, hole, 8);
        }
        if (i == 0) blob_add(b, pickle.bytes, pickle.n);
        if (i == 2) blob_add(b, "xyz", 3);
    }
    const uint64_t directory = start.n + hole + rest.n;
    for (int i = 0; i < 3; i++) {
        const bool wide = i == 1, far = i == 2;
        blob_add(&rest, "PK\1\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        blob_number(&rest, 0, 4);
        blob_number(&rest, wide ? UINT32_MAX : member[i].bytes, 4);
        blob_number(&rest, wide ? UINT32_MAX : member[i].bytes, 4);
        blob_number(&rest, strlen(member[i].name), 2);
        blob_number(&rest, wide ? 20 : far ? 12 : 0, 2);
        blob_number(&rest, 0, 6);
        blob_number(&rest, 0, 4);
        blob_number(&rest, far ? UINT32_MAX : member[i].local, 4);
        blob_text(&rest, member[i].name);
        if (wide || far) {
            blob_number(&rest, 1, 2);
            blob_number(&rest, wide ? 16 : 8, 2);
            blob_number(&rest, wide ? hole : member[i].local, 8);
            if (wide) blob_number(&rest, hole, 8);
        }
    }
    const uint64_t end64 = start.n + hole + rest.n;
    blob_add(&rest, "PK\6\6\54\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
    blob_number(&rest, 3, 8);
    blob_number(&rest, 3, 8);
    blob_number(&rest, end64 - directory, 8);
    blob_number(&rest, directory, 8);
    blob_add(&rest, "PK\6\7\0\0\0\0", 8);
    blob_number(&rest, end64, 8);
    blob_number(&rest, 1, 4);
    blob_add(&rest, "PK\5\6\0\0\0\0\3\0\3\0", 12);
    blob_number(&rest, end64 - directory, 4);
    blob_number(&rest, UINT32_MAX, 4);
    blob_number(&rest, 0, 2);
    int fd = open(st_path("x.ckpt"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, start.bytes, start.n, 0), start.n);
    ssize_t written = pwrite(fd, rest.bytes, rest.n, (off_t)(start.n + hole));
    close(fd);
    if (written != (ssize_t)rest.n) skip(); /* no such files here */
    tensor_file *f = open_file(st_path("x.ckpt"));
    char text[3];
    assert_int_equal(tensor_file_find(f, "big")->bytes, hole);
    assert_int_equal(tensor_file_read(f, tensor_file_find(f, "small"), 0, 3, text), 0);
    assert_memory_equal(text, "xyz", 3);
    tensor_file_close(&f);
    unlink(st_path("x.ckpt"));
    blob_free(&pickle);
    blob_free(&start);
    blob_free(&rest);
}

/* --- whole models ------------------------------------------------------------------------------------------------- */

static void assert_same_tensors(const char *path, const char *other)
{
    tensor_file *a = open_file(path), *b = open_file(other);
    assert_int_equal(tensor_file_count(a), tensor_file_count(b));
    for (int i = 0; i < tensor_file_count(a); i++) {
        const file_tensor *x = tensor_file_at(a, i), *y = tensor_file_find(b, x->name);
        if (!y || x->dtype != y->dtype || x->rank != y->rank || x->bytes != y->bytes ||
            memcmp(x->shape, y->shape, (size_t)x->rank * sizeof *x->shape) != 0)
            fail_msg("%s differs", x->name);
        unsigned char *p = malloc(x->bytes + 1), *q = malloc(x->bytes + 1);
        assert_true(p && q);
        assert_int_equal(tensor_file_read(a, x, 0, x->bytes, p), 0);
        assert_int_equal(tensor_file_read(b, y, 0, y->bytes, q), 0);
        if (memcmp(p, q, x->bytes) != 0) fail_msg("%s: other values", x->name);
        free(p);
        free(q);
    }
    tensor_file_close(&a);
    tensor_file_close(&b);
}

static void test_checkpoint(void **state)
{
    (void)state;
    st_list l;
    list_read(&l, CHECKPOINT);
    for (int legacy = 0; legacy < 2; legacy++) {
        sdcl_model_info info;
        const char *path = st_path("model.ckpt");
        ckpt_from_list(&l, path, legacy);
        assert_same_tensors(path, CHECKPOINT);
        model *m = opened(path, GOLDEN);
        model_describe(m, &info);
        assert_string_equal(info.type, "Stable Diffusion v1");
        assert_int_equal(info.parts[PART_UNET].tensors, 686);
        model_close(&m);
    }
    list_free(&l);
}

/* What PyTorch itself wrote (tests/golden/README.md): the same tensors in every way of writing them. */
static void test_written_by_pytorch(void **state)
{
    (void)state;
    static const char *const files[] = {"zip", "legacy", "bare", "views"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "tests/golden/ckpt/%s.ckpt", files[i]);
        assert_same_tensors(path, "tests/golden/ckpt/expected.safetensors");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_beyond_4_gib),
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_written_by_pytorch),
    };
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
