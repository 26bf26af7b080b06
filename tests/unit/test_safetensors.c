/* SPDX-License-Identifier: MIT */
/* Safetensors files: what is valid opens and reads back, whatever its padding and order. */
#include "io/tensor_file.h"
#include "sdcl.h"
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static tensor_file *opened(const char *header, size_t data_bytes)
{
    return st_opened(header, strlen(header), data_bytes);
}

static void assert_pair(const char *header)
{
    tensor_file *f = opened(header, 12);
    assert_int_equal(tensor_file_count(f), 2);
    const file_tensor *w = tensor_file_find(f, "w"), *v = tensor_file_find(f, "v");
    assert_non_null(w);
    assert_non_null(v);
    assert_int_equal(w->dtype, FILE_F32);
    assert_int_equal(w->rank, 2);
    assert_int_equal(w->shape[0], 1);
    assert_int_equal(w->shape[1], 2);
    assert_int_equal(w->elements, 2);
    assert_int_equal(w->bytes, 8);
    assert_int_equal(w->offset, 8 + strlen(header));
    assert_int_equal(v->dtype, FILE_F16);
    assert_int_equal(v->rank, 1);
    assert_int_equal(v->offset, w->offset + 8);
    assert_int_equal(tensor_file_size(f), v->offset + 4);
    assert_ptr_equal(tensor_file_at(f, 0), w);
    assert_ptr_equal(tensor_file_at(f, 1), v);
    unsigned char got[4];
    assert_int_equal(tensor_file_read(f, v, 0, 4, got), 0);
    for (size_t i = 0; i < 4; i++) assert_int_equal(got[i], st_data(8 + i));
    tensor_file_close(&f);
    assert_null(f);
}

/* --- valid files */

static void test_two_tensors(void **state)
{
    (void)state;
    assert_pair(ST_PAIR);
}

static void test_white_space_before(void **state)
{
    (void)state;
    assert_pair(" \t\r\n" ST_PAIR);
}

static void test_white_space_behind(void **state)
{
    (void)state;
    assert_pair(ST_PAIR " \n\t\r   ");
}

static void test_white_space_within(void **state)
{
    (void)state;
    assert_pair("{ \"w\" :\n{\"dtype\": \"F32\", \"shape\" :[ 1 , 2 ],\t\"data_offsets\" : [ 0,8 ]} ,"
                "\r\n" ST_ENTRY("v", "F16", "[2]", "[8,12]") "\n}");
}

static void test_order_of_header_does_not_matter(void **state)
{
    (void)state;
    assert_pair("{" ST_ENTRY("v", "F16", "[2]", "[8,12]") "," ST_ENTRY("w", "F32", "[1,2]", "[0,8]") "}");
}

static void test_order_of_fields_does_not_matter(void **state)
{
    (void)state;
    assert_pair(
        "{\"w\":{\"data_offsets\":[0,8],\"dtype\":\"F32\",\"shape\":[1,2]}," ST_ENTRY("v", "F16", "[2]", "[8,12]") "}");
}

static void test_metadata_is_no_tensor(void **state)
{
    (void)state;
    assert_pair("{\"__metadata__\":{\"format\":\"pt\",\"note\":\"-0 , \\\" -0 [\"}," ST_ENTRY("w", "F32", "[1,2]",
                                                                                              "[0,8]") "," //
                ST_ENTRY("v", "F16", "[2]", "[8,12]") "}");
}

static void test_escaped_names_are_decoded(void **state)
{
    (void)state;
    assert_pair("{" ST_ENTRY("\\u0077", "F32", "[1,2]", "[0,8]") "," ST_ENTRY("v", "F16", "[2]", "[8,12]") "}");
}

static void test_name_outside_ascii(void **state)
{
    (void)state;
    tensor_file *f = opened("{" ST_ENTRY("gewicht.\xc3\xa4\xe2\x82\xac", "U8", "[1]", "[0,1]") "}", 1);
    assert_non_null(tensor_file_find(f, "gewicht.\xc3\xa4\xe2\x82\xac"));
    tensor_file_close(&f);
}

static void test_no_tensors(void **state)
{
    (void)state;
    tensor_file *f = opened("{}", 0);
    assert_int_equal(tensor_file_count(f), 0);
    assert_null(tensor_file_find(f, "w"));
    tensor_file_close(&f);
}

static void test_only_metadata(void **state)
{
    (void)state;
    tensor_file *f = opened("{\"__metadata__\":{}}", 0);
    assert_int_equal(tensor_file_count(f), 0);
    assert_null(tensor_file_find(f, "__metadata__"));
    tensor_file_close(&f);
}

static void test_scalar(void **state)
{
    (void)state;
    tensor_file *f = opened("{" ST_ENTRY("step", "I64", "[]", "[0,8]") "}", 8);
    const file_tensor *t = tensor_file_find(f, "step");
    assert_int_equal(t->rank, 0);
    assert_int_equal(t->elements, 1);
    assert_int_equal(t->bytes, 8);
    tensor_file_close(&f);
}

static void test_rank_8(void **state)
{
    (void)state;
    tensor_file *f = opened("{" ST_ENTRY("w", "F32", "[1,1,2,1,1,1,1,3]", "[0,24]") "}", 24);
    const file_tensor *t = tensor_file_at(f, 0);
    assert_int_equal(t->rank, 8);
    assert_int_equal(t->shape[7], 3);
    assert_int_equal(t->elements, 6);
    tensor_file_close(&f);
}

static void test_empty_tensors_share_an_offset(void **state)
{
    (void)state;
    tensor_file *f = opened("{" ST_ENTRY("w", "F32", "[2]", "[4,12]") "," ST_ENTRY("x2", "F32", "[3,0]", "[4,4]") "," //
                            ST_ENTRY("v", "F32", "[1]", "[0,4]") "," ST_ENTRY("e1", "F16", "[0]", "[4,4]") ","        //
                            ST_ENTRY("first", "F16", "[0]", "[0,0]") "," ST_ENTRY("last", "F64", "[0]", "[12,12]") "}",
                            12);
    static const char *const order[] = {"first", "v", "e1", "x2", "w", "last"};
    assert_int_equal(tensor_file_count(f), 6);
    for (int i = 0; i < 6; i++) assert_string_equal(tensor_file_at(f, i)->name, order[i]);
    const file_tensor *e = tensor_file_find(f, "x2");
    assert_int_equal(e->elements, 0);
    assert_int_equal(e->bytes, 0);
    assert_int_equal(tensor_file_read(f, e, 0, 0, NULL), 0);
    tensor_file_close(&f);
}

static void test_zero_times_large(void **state)
{
    (void)state;
    tensor_file *f = opened("{" ST_ENTRY("w", "F32", "[9223372036854775807,0]", "[0,0]") "}", 0);
    assert_int_equal(tensor_file_at(f, 0)->elements, 0);
    tensor_file_close(&f);
}

static void test_every_dtype(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        file_dtype dtype;
        int size;
    } all[] = {{"F64", FILE_F64, 8}, {"F32", FILE_F32, 4},  {"F16", FILE_F16, 2}, {"BF16", FILE_BF16, 2},
               {"I64", FILE_I64, 8}, {"I32", FILE_I32, 4},  {"I16", FILE_I16, 2}, {"I8", FILE_I8, 1},
               {"U8", FILE_U8, 1},   {"BOOL", FILE_BOOL, 1}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char header[128];
        snprintf(header, sizeof header, "{\"w\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%d]}}", all[i].name,
                 3 * all[i].size);
        tensor_file *f = opened(header, 3 * (size_t)all[i].size);
        assert_int_equal(tensor_file_at(f, 0)->dtype, all[i].dtype);
        assert_int_equal(tensor_file_at(f, 0)->bytes, 3 * all[i].size);
        assert_int_equal(file_dtype_size(all[i].dtype), all[i].size);
        assert_string_equal(file_dtype_name(all[i].dtype), all[i].name);
        tensor_file_close(&f);
    }
}

static void test_symbolic_link_to_a_file(void **state)
{
    (void)state;
    tensor_file *f = opened(ST_PAIR, 12);
    tensor_file_close(&f);
    assert_int_equal(symlink("valid.safetensors", st_path("link")), 0);
    assert_int_equal(tensor_file_open(&f, st_path("link")), 0);
    assert_string_equal(tensor_file_path(f), st_path("link"));
    tensor_file_close(&f);
}

static void test_the_pocket_model(void **state)
{
    (void)state;
    static const struct {
        const char *path, *tensor;
        int count, rank;
    } parts[] = {
        {"models/pocket/unet/diffusion_pytorch_model.safetensors", "conv_in.weight", 442, 4},
        {"models/pocket/vae/diffusion_pytorch_model.safetensors", "decoder.conv_in.weight", 188, 4},
        {"models/pocket/text_encoder/model.safetensors", "text_model.embeddings.token_embedding.weight", 68, 2},
    };
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        tensor_file *f = NULL;
        if (tensor_file_open(&f, parts[p].path)) fail_msg("%s", sdcl_last_error());
        assert_int_equal(tensor_file_count(f), parts[p].count);
        const file_tensor *t = tensor_file_find(f, parts[p].tensor);
        assert_non_null(t);
        assert_int_equal(t->rank, parts[p].rank);
        assert_int_equal(t->dtype, FILE_F16);
        for (int i = 0; i < tensor_file_count(f); i++)
            assert_ptr_equal(tensor_file_find(f, tensor_file_at(f, i)->name), tensor_file_at(f, i));
        const file_tensor *last = tensor_file_at(f, tensor_file_count(f) - 1);
        assert_int_equal(last->offset + last->bytes, tensor_file_size(f));
        tensor_file_close(&f);
    }
}

/* --- lookup and reading */

static void test_find_is_exact(void **state)
{
    (void)state;
    tensor_file *f = opened("{" ST_ENTRY("a.b", "U8", "[1]", "[0,1]") "," ST_ENTRY("a.bc", "U8", "[1]", "[1,2]") "}",
                            2);
    assert_string_equal(tensor_file_find(f, "a.b")->name, "a.b");
    assert_string_equal(tensor_file_find(f, "a.bc")->name, "a.bc");
    static const char *const absent[] = {"", "a", "a.", "a.bcd", "A.B", "a.b ", "zzz"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) assert_null(tensor_file_find(f, absent[i]));
    tensor_file_close(&f);
}

static void test_read_any_range(void **state)
{
    (void)state;
    tensor_file *f = opened(ST_PAIR, 12);
    const file_tensor *v = tensor_file_find(f, "v");
    for (size_t first = 0; first <= 4; first++)
        for (size_t n = 0; first + n <= 4; n++) {
            unsigned char got[6];
            memset(got, 0xee, sizeof got);
            assert_int_equal(tensor_file_read(f, v, first, n, got + 1), 0);
            for (size_t i = 0; i < n; i++) assert_int_equal(got[1 + i], st_data(8 + first + i));
            assert_int_equal(got[0], 0xee);
            assert_int_equal(got[1 + n], 0xee);
        }
    tensor_file_close(&f);
}

static void test_read_outside_of_the_tensor_is_an_internal_error(void **state)
{
    (void)state;
    tensor_file *f = opened(ST_PAIR, 12);
    const file_tensor *w = tensor_file_find(f, "w");
    unsigned char got[16];
    assert_int_equal(tensor_file_read(f, w, 0, 9, got), SDCL_EINTERNAL);
    assert_int_equal(tensor_file_read(f, w, 9, 0, got), SDCL_EINTERNAL);
    assert_int_equal(tensor_file_read(f, w, UINT64_MAX, 2, got), SDCL_EINTERNAL);
    assert_int_equal(tensor_file_read(f, w, 1, UINT64_MAX, got), SDCL_EINTERNAL);
    assert_non_null(strstr(sdcl_last_error(), "tensor w"));
    tensor_file_close(&f);
}

/* NaN, infinities and subnormals are the business of whoever uses the weights. */
static void test_values_are_not_looked_at(void **state)
{
    (void)state;
    static const uint32_t values[] = {0x7fc00001, 0x7f800000, 0xff800000, 0x00000001, 0x7f800001};
    char file[8 + 64 + sizeof values] = {0};
    int n = snprintf(file + 8, 64, "{" ST_ENTRY("w", "F32", "[5]", "[0,20]") "}");
    file[0] = (char)n;
    memcpy(file + 8 + n, values, sizeof values);
    const char *path = st_path("nan.safetensors");
    st_write_bytes(path, file, 8 + (size_t)n + sizeof values);
    tensor_file *f = NULL;
    assert_int_equal(tensor_file_open(&f, path), 0);
    uint32_t got[5];
    assert_int_equal(tensor_file_read(f, tensor_file_at(f, 0), 0, sizeof got, got), 0);
    assert_memory_equal(got, values, sizeof got);
    tensor_file_close(&f);
}

static void test_file_cut_while_open(void **state)
{
    (void)state;
    tensor_file *f = opened(ST_PAIR, 12);
    const file_tensor *w = tensor_file_find(f, "w"), *v = tensor_file_find(f, "v");
    unsigned char got[8];
    assert_int_equal(truncate(tensor_file_path(f), (off_t)(v->offset + 2)), 0);
    for (int i = 0; i < 2; i++) { /* also what is still there: it may be another file's */
        assert_int_equal(tensor_file_read(f, i ? w : v, 0, 4, got), SDCL_EMODEL);
        assert_non_null(strstr(sdcl_last_error(), tensor_file_path(f)));
        assert_non_null(strstr(sdcl_last_error(), "shorter"));
    }
    assert_int_equal(truncate(tensor_file_path(f), 0), 0);
    assert_int_equal(tensor_file_read(f, w, 0, 8, got), SDCL_EMODEL);
    tensor_file_close(&f);
}

static void test_file_overwritten_while_open(void **state)
{
    (void)state;
    tensor_file *f = opened(ST_PAIR, 12);
    const file_tensor *w = tensor_file_find(f, "w");
    const struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) + 1}};
    unsigned char got[8];
    assert_int_equal(tensor_file_read(f, w, 0, 8, got), 0);
    int fd = open(tensor_file_path(f), O_WRONLY);
    assert_int_equal(pwrite(fd, "elsewise", 8, (off_t)w->offset), 8);
    assert_int_equal(futimens(fd, later), 0); /* a clock that ticks slowly */
    assert_int_equal(close(fd), 0);
    assert_int_equal(tensor_file_read(f, w, 0, 8, got), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), tensor_file_path(f)));
    assert_non_null(strstr(sdcl_last_error(), "has been written to since"));
    tensor_file_close(&f);
}

static void test_file_replaced_or_removed_while_open(void **state)
{
    (void)state;
    tensor_file *f = opened(ST_PAIR, 12);
    unsigned char got[4];
    st_write_bytes(st_path("other"), "x", 1);
    assert_int_equal(rename(st_path("other"), tensor_file_path(f)), 0);
    assert_int_equal(tensor_file_read(f, tensor_file_find(f, "v"), 0, 4, got), 0);
    assert_int_equal(got[0], st_data(8));
    assert_int_equal(unlink(tensor_file_path(f)), 0);
    assert_int_equal(tensor_file_read(f, tensor_file_find(f, "v"), 0, 4, got), 0);
    assert_int_equal(got[3], st_data(11));
    tensor_file_close(&f);
}

static void test_close_accepts_null(void **state)
{
    (void)state;
    tensor_file *f = NULL;
    tensor_file_close(&f);
    assert_null(f);
}

#define CASE(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_two_tensors),
        CASE(test_white_space_before),
        CASE(test_white_space_behind),
        CASE(test_white_space_within),
        CASE(test_order_of_header_does_not_matter),
        CASE(test_order_of_fields_does_not_matter),
        CASE(test_metadata_is_no_tensor),
        CASE(test_escaped_names_are_decoded),
        CASE(test_name_outside_ascii),
        CASE(test_no_tensors),
        CASE(test_only_metadata),
        CASE(test_scalar),
        CASE(test_rank_8),
        CASE(test_empty_tensors_share_an_offset),
        CASE(test_zero_times_large),
        CASE(test_every_dtype),
        CASE(test_symbolic_link_to_a_file),
        CASE(test_the_pocket_model),
        CASE(test_find_is_exact),
        CASE(test_read_any_range),
        CASE(test_read_outside_of_the_tensor_is_an_internal_error),
        CASE(test_values_are_not_looked_at),
        CASE(test_file_overwritten_while_open),
        CASE(test_file_cut_while_open),
        CASE(test_file_replaced_or_removed_while_open),
        CASE(test_close_accepts_null),
    };
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
