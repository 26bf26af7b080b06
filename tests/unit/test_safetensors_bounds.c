/* SPDX-License-Identifier: MIT */
/* Broken safetensors containers: lengths that lie, cuts at every byte, changed bytes, and headers made to cost time or memory. */
#include "base/strbuf.h"
#include "io/tensor_file.h"
#include "sdcl.h"
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- lengths and cuts */

/* Header length n in front of a file of the given size, sparse beyond text. */
static void write_sparse(const char *path, uint64_t n, const char *text, off_t size)
{
    unsigned char start[72] = {0};
    for (int i = 0; i < 8; i++) start[i] = (unsigned char)(n >> 8 * i);
    size_t length = strlen(text);
    assert_true(length <= 64);
    memcpy(start + 8, text, length);
    st_write_bytes(path, start, 8 + length);
    assert_int_equal(truncate(path, size), 0);
}

static void test_shorter_than_the_length_field(void **state)
{
    (void)state;
    const char *path = st_path("short");
    for (size_t n = 0; n < 8; n++) {
        st_write_bytes(path, "\2\0\0\0\0\0\0", n);
        st_assert_refused(path, "too short for a safetensors file");
    }
}

static void test_header_longer_than_the_file(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        3,         4, 1000, 1 << 24, UINT64_C(1) << 32, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 8, UINT64_MAX - 7,
        UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_sparse(st_path("long"), lengths[i], "{}", 10);
        st_assert_refused(st_path("long"), "more than the file holds");
    }
}

static void test_header_above_the_limit(void **state)
{
    (void)state;
    const char *path = st_path("sparse");
    write_sparse(path, (16 << 20) + 1, "{}", 64 << 20);
    st_assert_refused(path, "expected at most 16 MiB");
    write_sparse(path, UINT64_C(1) << 36, "{}", (off_t)1 << 37);
    st_assert_refused(path, "expected at most 16 MiB");
}

static void test_header_at_the_limit(void **state)
{
    (void)state;
    const size_t limit = 16 << 20;
    char *header = malloc(limit);
    assert_non_null(header);
    memset(header, ' ', limit);
    memcpy(header, ST_PAIR, sizeof ST_PAIR - 1);
    tensor_file *f = st_opened(header, limit, 12);
    assert_int_equal(tensor_file_count(f), 2);
    tensor_file_close(&f);
    free(header);
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    tensor_file *f = st_opened(ST_PAIR, strlen(ST_PAIR), 12);
    const char *path = st_path("valid.safetensors");
    uint64_t size = tensor_file_size(f);
    tensor_file_close(&f);
    for (uint64_t n = size; n-- > 0;) {
        assert_int_equal(truncate(path, (off_t)n), 0);
        st_assert_refused(path, n < 8                     ? "too short"
                                : n < 8 + strlen(ST_PAIR) ? "more than the file holds"
                                                          : "of the data, the file has");
    }
}

/* The same text, but with a length field that says it is whole. */
static void test_json_cut_at_every_byte(void **state)
{
    (void)state;
    const char *path = st_path("cut");
    for (size_t n = 0; n < strlen(ST_PAIR); n++) {
        st_write_file(path, ST_PAIR, n, 12);
        st_assert_refused(path, "not valid JSON");
    }
}

static void test_padding_with_any_other_byte(void **state)
{
    (void)state;
    const char *path = st_path("padded");
    char header[sizeof ST_PAIR];
    for (int byte = 0; byte < 256; byte++) {
        memcpy(header, ST_PAIR, sizeof ST_PAIR - 1);
        header[sizeof ST_PAIR - 1] = (char)byte;
        if (byte && strchr("\t\n\r ", byte)) {
            tensor_file *f = st_opened(header, sizeof header, 12);
            tensor_file_close(&f);
        } else {
            st_write_file(path, header, sizeof header, 12);
            st_assert_refused(path, "not valid JSON");
        }
    }
}

static void test_formats_of_other_programs(void **state)
{
    (void)state;
    const char *path = st_path("model.safetensors");
    st_write_bytes(path, "GGUF\3\0\0\0\0\0\0\0\0\0\0\0", 16);
    st_assert_refused(path, "is a GGUF file");
    assert_non_null(strstr(sdcl_last_hint(), ".safetensors"));
    st_write_bytes(path, "\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0", 16);
    st_assert_refused(path, "is an HDF5 file");
    st_write_bytes(path, "\x89PNG\r\n\x1a\n\0\0\0\0\0\0\0\0", 16);
    st_assert_refused(path, "not a safetensors file");
}

/* A header of 640 bytes begins like a pickle. */
static void test_length_that_looks_like_a_pickle(void **state)
{
    (void)state;
    char header[0x280];
    memset(header, ' ', sizeof header);
    memcpy(header, ST_PAIR, sizeof ST_PAIR - 1);
    tensor_file *f = st_opened(header, sizeof header, 12);
    assert_int_equal(tensor_file_count(f), 2);
    tensor_file_close(&f);
}

/* --- bounds */

/* What the JSON parser holds now, and its most since json_peak was set to 0. */
static size_t json_held, json_peak;

static void *counted_malloc(size_t n)
{
    void *p = malloc(n);
    json_held += malloc_usable_size(p);
    if (json_held > json_peak) json_peak = json_held;
    return p;
}

static void counted_free(void *p)
{
    json_held -= malloc_usable_size(p);
    free(p);
}

/* Refused, and the parser never held more than 48 MB. */
static void assert_text_refused(strbuf *header, const char *says)
{
    assert_false(header->failed);
    const char *path = st_path("large");
    st_write_file(path, header->s, header->n, 0);
    strbuf_free(header);
    json_peak = 0;
    st_assert_refused(path, says);
    if (json_peak > 48 << 20) fail_msg("the parser took %zu bytes", json_peak);
}

static void test_deep_nesting(void **state)
{
    (void)state;
    static const char *const opening[] = {"[", "{\"a\":"};
    static const int depths[] = {3000, 200000, 1000000};
    for (int kind = 0; kind < 2; kind++)
        for (int d = 0; d < 3; d++) {
            strbuf b = {0};
            strbuf_puts(&b, "{\"w\":");
            for (int i = 0; i < depths[d]; i++) strbuf_puts(&b, opening[kind]);
            assert_text_refused(&b, d < 2 ? "maximum parsing depth" : "header of more than");
        }
}

static void test_many_small_containers(void **state)
{
    (void)state;
    static const char *const each[] = {"[]", "{}", "[0]", "{\"a\":0}", "\"0123456789abcdef\"", "0"};
    for (size_t kind = 0; kind < sizeof each / sizeof each[0]; kind++) {
        strbuf b = {0};
        strbuf_puts(&b, "{\"w\":[");
        for (int i = 0; i < 130000; i++) strbuf_printf(&b, "%s%s", i ? "," : "", each[kind]);
        strbuf_puts(&b, "]}");
        assert_text_refused(&b, "tensor \"w\": is an array");
    }
}

static void add_empty_entries(strbuf *b, int count)
{
    strbuf_puts(b, "{");
    for (int i = 0; i < count; i++)
        strbuf_printf(b, "%s\"%x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", (unsigned)i);
    strbuf_puts(b, "}");
}

static void test_a_million_tensors(void **state)
{
    (void)state;
    strbuf b = {0};
    add_empty_entries(&b, 1000000);
    assert_text_refused(&b, "expected at most 16 MiB");
}

static void test_as_many_tensors_as_the_header_holds(void **state)
{
    (void)state;
    strbuf b = {0};
    add_empty_entries(&b, 250000);
    assert_text_refused(&b, "values");
}

static void test_many_tensors_open_and_are_found(void **state)
{
    (void)state;
    strbuf b = {0};
    add_empty_entries(&b, 26000);
    tensor_file *f = st_opened(b.s, b.n, 0);
    strbuf_free(&b);
    assert_int_equal(tensor_file_count(f), 26000);
    for (int i = 0; i < 26000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%x", (unsigned)i);
        assert_string_equal(tensor_file_find(f, name)->name, name);
    }
    tensor_file_close(&f);
}

static void test_many_tensors_on_one_range(void **state)
{
    (void)state;
    strbuf b = {0};
    strbuf_puts(&b, "{");
    for (int i = 0; i < 20000; i++)
        strbuf_printf(&b, "%s\"%x\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}", i ? "," : "",
                      (unsigned)i);
    strbuf_puts(&b, "}");
    const char *path = st_path("one_range");
    st_write_file(path, b.s, b.n, 16);
    strbuf_free(&b);
    st_assert_refused(path, "overlaps");
}

static void test_long_list_as_shape(void **state)
{
    (void)state;
    strbuf b = {0};
    strbuf_puts(&b, "{\"w\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[0");
    for (int i = 0; i < 200000; i++) strbuf_puts(&b, ",0");
    strbuf_puts(&b, "]}}");
    assert_text_refused(&b, "tensor \"w\": shape has 200001 dimensions");
}

static void test_name_of_a_megabyte(void **state)
{
    (void)state;
    strbuf b = {0};
    strbuf_puts(&b, "{\"");
    for (int i = 0; i < 1 << 20; i++) strbuf_puts(&b, "n");
    strbuf_puts(&b, "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    assert_text_refused(&b, "name of 1048576 bytes");
    assert_true(strlen(sdcl_last_error()) < 500);
}

static void test_long_names_are_shortened_in_messages(void **state)
{
    (void)state;
    strbuf b = {0};
    strbuf_puts(&b, "{\"");
    for (int i = 0; i < 340; i++) strbuf_puts(&b, "\xe2\x82\xac"); /* 1020 bytes */
    strbuf_puts(&b, "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,0]}}");
    assert_text_refused(&b, "...\": data_offsets span 0 bytes, expected 1");
    assert_true(strlen(sdcl_last_error()) < 500);
}

/* --- any byte may be anything */

static uint32_t draw(uint32_t *x) { return (*x = *x * 1664525u + 1013904223u) >> 8; }

/* Opens; whatever opens is consistent with the file, and whatever does not says so properly. */
static void open_anything(const char *path, uint64_t size, int *accepted)
{
    tensor_file *f = NULL;
    int err = tensor_file_open(&f, path);
    if (err) {
        assert_int_equal(err, SDCL_EMODEL);
        assert_null(f);
        assert_non_null(strstr(sdcl_last_error(), path));
        return;
    }
    ++*accepted;
    for (int i = 0; i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        assert_true(t->bytes == t->elements * (uint64_t)file_dtype_size(t->dtype));
        assert_true(t->offset <= size && t->bytes <= size - t->offset);
    }
    tensor_file_close(&f);
}

static void test_changed_bytes(void **state)
{
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"a\":\"b\"}," ST_ENTRY("w", "F32", "[1,2]", "[0,8]") "," //
        ST_ENTRY("e", "I8", "[0]", "[8,8]") "," ST_ENTRY("v", "BF16", "[]", "[8,10]") "}";
    enum { SIZE = 8 + sizeof header - 1 + 10 };
    unsigned char file[SIZE] = {sizeof header - 1}, changed[SIZE];
    memcpy(file + 8, header, sizeof header - 1);
    const char *path = st_path("changed");
    uint32_t x = 1;
    int accepted = 0, count = 3000;
    for (int i = 0; i < count; i++) {
        memcpy(changed, file, SIZE);
        for (uint32_t edits = 1 + draw(&x) % 3; edits--;) {
            unsigned char *at = &changed[draw(&x) % SIZE];
            uint32_t kind = draw(&x) % 3;
            if (kind == 0) *at = (unsigned char)draw(&x);
            else if (kind == 1) *at = (unsigned char)"0123456789-\"{}[],: \\"[draw(&x) % 20];
            else *at ^= (unsigned char)(1u << draw(&x) % 8);
        }
        st_write_bytes(path, changed, SIZE);
        open_anything(path, SIZE, &accepted);
    }
    assert_true(accepted > 0);
    assert_true(accepted < count);
}

#define CASE(f) cmocka_unit_test(f)

int main(void)
{
    json_set_alloc_funcs(counted_malloc, counted_free);
    const struct CMUnitTest tests[] = {
        CASE(test_shorter_than_the_length_field),
        CASE(test_header_longer_than_the_file),
        CASE(test_header_above_the_limit),
        CASE(test_header_at_the_limit),
        CASE(test_cut_at_every_byte),
        CASE(test_json_cut_at_every_byte),
        CASE(test_padding_with_any_other_byte),
        CASE(test_formats_of_other_programs),
        CASE(test_length_that_looks_like_a_pickle),
        CASE(test_deep_nesting),
        CASE(test_many_small_containers),
        CASE(test_a_million_tensors),
        CASE(test_as_many_tensors_as_the_header_holds),
        CASE(test_many_tensors_open_and_are_found),
        CASE(test_many_tensors_on_one_range),
        CASE(test_long_list_as_shape),
        CASE(test_name_of_a_megabyte),
        CASE(test_long_names_are_shortened_in_messages),
        CASE(test_changed_bytes),
    };
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
