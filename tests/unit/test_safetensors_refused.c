/* SPDX-License-Identifier: MIT */
/* Malformed safetensors headers, a test each: typed error, file and tensor named, no crash, no second spent. */
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct refused {
    const char *name, *header;
    size_t header_bytes, data_bytes;
    const char *says;
} refused;

#define R(name, header, data_bytes, says)                                                                              \
    {                                                                                                                  \
        name, header, sizeof(header) - 1, data_bytes, says                                                             \
    }
/* A tensor, and a header with one tensor named w. */
#define T(dtype, shape, offsets) "{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define W(dtype, shape, offsets) "{\"w\":" T(dtype, shape, offsets) "}"
#define F32 "\"F32\""
#define GOOD T(F32, "[2]", "[0,8]")
#define OFFSETS(offsets) W(F32, "[2]", offsets)
#define SHAPE(shape) W(F32, shape, "[0,8]")
#define BIG "4611686018427387904" /* 2^62 */

static const refused rows[] = {
    /* not JSON, or not an object */
    R("no_header", "", 0, "not valid JSON"),
    R("header_of_one_byte", "{", 0, "not valid JSON"),
    R("byte_order_mark", "\xef\xbb\xbf{\"w\":" GOOD "}", 8, "not valid JSON"),
    R("starts_with_nul", "\0{\"w\":" GOOD "}", 8, "not valid JSON"),
    R("root_array", "[" GOOD "]", 8, "not a JSON object"),
    R("root_string", "\"w\"", 0, "not valid JSON"),
    R("root_number", "12", 0, "not valid JSON"),
    R("root_null", "null", 0, "not valid JSON"),
    R("byte_ff", "{\"\xff\":" GOOD "}", 8, "not valid JSON"),
    R("overlong_utf8", "{\"\xc0\xaf\":" GOOD "}", 8, "not valid JSON"),
    R("lone_surrogate", "{\"\\ud800\":" GOOD "}", 8, "not valid JSON"),
    R("surrogate_as_bytes", "{\"\xed\xa0\x80\":" GOOD "}", 8, "not valid JSON"),
    R("text_behind", "{\"w\":" GOOD "}x", 8, "not valid JSON"),
    R("object_behind", "{\"w\":" GOOD "}{}", 8, "not valid JSON"),
    R("nul_behind", "{\"w\":" GOOD "}\0", 8, "not valid JSON"),
    R("nul_then_header", "{\"w\":" GOOD "}\0{\"v\":" GOOD "}", 8, "not valid JSON"),
    R("form_feed_behind", "{\"w\":" GOOD "}\f", 8, "not valid JSON"),
    R("no_break_space_before", "\xc2\xa0{\"w\":" GOOD "}", 8, "not valid JSON"),
    R("comma_at_end", "{\"w\":" GOOD ",}", 8, "not valid JSON"),
    R("comment", "{/**/\"w\":" GOOD "}", 8, "not valid JSON"),
    R("single_quotes", "{'w':" GOOD "}", 8, "not valid JSON"),
    R("nan", SHAPE("[NaN]"), 8, "not valid JSON"),

    /* names */
    R("duplicate_name", "{\"w\":" T(F32, "[1]", "[0,4]") ",\"w\":" T(F32, "[1]", "[4,8]") "}", 8, "duplicate"),
    R("duplicate_by_escape", "{\"w\":" T(F32, "[1]", "[0,4]") ",\"\\u0077\":" T(F32, "[1]", "[4,8]") "}", 8,
      "duplicate"),
    R("duplicate_metadata", "{\"__metadata__\":{},\"__metadata__\":{},\"w\":" GOOD "}", 8, "duplicate"),
    R("empty_name", "{\"\":" GOOD "}", 8, "empty name"),
    R("name_with_escape", "{\"a\\u001b[31mb\":" GOOD "}", 8, "tensor \"a\\x1b[31mb\": control characters"),
    R("name_with_newline", "{\"a\\nb\":" GOOD "}", 8, "tensor \"a\\x0ab\": control characters"),
    R("name_with_delete", "{\"a\x7f\":" GOOD "}", 8, "tensor \"a\\x7f\": control characters"),
    R("name_with_c1_control", "{\"a\xc2\x9b\":" GOOD "}", 8, "tensor \"a\\xc2\\x9b\": control characters"),
    R("name_with_raw_escape", "{\"a\x1b\":" GOOD "}", 8, "not valid JSON"),
    R("name_with_nul", "{\"a\\u0000b\":" GOOD "}", 8, "not valid JSON"),

    /* fields */
    R("entry_null", "{\"w\":null}", 8, "tensor \"w\": is null"),
    R("entry_array", "{\"w\":[1]}", 8, "tensor \"w\": is an array"),
    R("entry_empty", "{\"w\":{}}", 8, "tensor \"w\": has no dtype"),
    R("no_dtype", "{\"w\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor \"w\": has no dtype"),
    R("no_shape", "{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "tensor \"w\": has no shape"),
    R("no_offsets", "{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "tensor \"w\": has no data_offsets"),
    R("unknown_field", "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"e\\u001b\":1}}", 8,
      "tensor \"w\": unknown field \"e\\x1b\""),
    R("field_case", "{\"w\":{\"Dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
      "tensor \"w\": has no dtype"),
    R("duplicate_field", "{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
      "duplicate"),

    /* dtype */
    R("dtype_unknown", W("\"F33\"", "[2]", "[0,8]"), 8, "tensor \"w\": unknown dtype \"F33\""),
    R("dtype_lower_case", W("\"f32\"", "[2]", "[0,8]"), 8, "tensor \"w\": unknown dtype \"f32\""),
    R("dtype_empty", W("\"\"", "[2]", "[0,8]"), 8, "tensor \"w\": unknown dtype \"\""),
    R("dtype_escape", W("\"\\u001b]0;x\"", "[2]", "[0,8]"), 8, "tensor \"w\": unknown dtype \"\\x1b]0;x\""),
    R("dtype_number", W("32", "[2]", "[0,8]"), 8, "tensor \"w\": dtype is an integer"),
    R("dtype_null", W("null", "[2]", "[0,8]"), 8, "tensor \"w\": dtype is null"),
    R("dtype_f8_e4m3", W("\"F8_E4M3\"", "[8]", "[0,8]"), 8, "tensor \"w\": dtype F8_E4M3 is not supported"),
    R("dtype_f8_e5m2", W("\"F8_E5M2\"", "[8]", "[0,8]"), 8, "tensor \"w\": dtype F8_E5M2 is not supported"),
    R("dtype_f4", W("\"F4\"", "[16]", "[0,8]"), 8, "tensor \"w\": dtype F4 is not supported"),
    R("dtype_u16", W("\"U16\"", "[4]", "[0,8]"), 8, "tensor \"w\": dtype U16 is not supported"),
    R("dtype_u64", W("\"U64\"", "[1]", "[0,8]"), 8, "tensor \"w\": dtype U64 is not supported"),
    R("dtype_c64", W("\"C64\"", "[1]", "[0,8]"), 8, "tensor \"w\": dtype C64 is not supported"),

    /* shape */
    R("shape_string", SHAPE("\"2\""), 8, "tensor \"w\": shape is a string"),
    R("shape_integer", SHAPE("2"), 8, "tensor \"w\": shape is an integer"),
    R("shape_null", SHAPE("null"), 8, "tensor \"w\": shape is null"),
    R("dim_string", SHAPE("[\"2\"]"), 8, "tensor \"w\": shape holds a string"),
    R("dim_array", SHAPE("[[2]]"), 8, "tensor \"w\": shape holds an array"),
    R("dim_real", SHAPE("[2.0]"), 8, "tensor \"w\": shape holds a number with a fraction"),
    R("dim_true", SHAPE("[true]"), 8, "tensor \"w\": shape holds a boolean"),
    R("dim_negative", SHAPE("[-2]"), 8, "tensor \"w\": shape holds -2"),
    R("dims_negative_twice", SHAPE("[-2,-1]"), 8, "tensor \"w\": shape holds -2"),
    R("dim_minus_zero", SHAPE("[-0]"), 8, "\"-0\", expected a non-negative integer"),
    R("rank_9", SHAPE("[1,1,1,1,1,1,1,1,2]"), 8, "tensor \"w\": shape has 9 dimensions, expected at most 8"),
    R("product_overflow", SHAPE("[" BIG "," BIG "]"), 8, "tensor \"w\": shape overflows"),
    R("product_overflow_to_2", SHAPE("[9223372036854775807,9223372036854775807,2]"), 8,
      "tensor \"w\": shape overflows"),
    R("zero_hides_overflow", W(F32, "[0," BIG "," BIG "]", "[0,0]"), 0, "tensor \"w\": shape overflows"),
    R("overflow_then_zero", W(F32, "[" BIG "," BIG ",0]", "[0,0]"), 0, "tensor \"w\": shape overflows"),
    R("bytes_overflow", SHAPE("[" BIG "]"), 8, "tensor \"w\": shape overflows"),
    R("bytes_overflow_to_0", W("\"F64\"", "[" BIG "]", "[0,0]"), 0, "tensor \"w\": shape overflows"),

    /* data_offsets */
    R("offsets_none", OFFSETS("[]"), 8, "tensor \"w\": data_offsets has 0 values"),
    R("offsets_one", OFFSETS("[8]"), 8, "tensor \"w\": data_offsets has 1 values"),
    R("offsets_three", OFFSETS("[0,8,8]"), 8, "tensor \"w\": data_offsets has 3 values"),
    R("offsets_string", OFFSETS("\"0,8\""), 8, "tensor \"w\": data_offsets is a string"),
    R("offsets_object", OFFSETS("{\"0\":0,\"1\":8}"), 8, "tensor \"w\": data_offsets is an object"),
    R("offsets_of_strings", OFFSETS("[\"0\",\"8\"]"), 8, "tensor \"w\": data_offsets holds a string"),
    R("offset_exponent", OFFSETS("[0,8e0]"), 8, "tensor \"w\": data_offsets holds a number with a fraction"),
    R("offset_1e3", OFFSETS("[0,1e3]"), 8, "tensor \"w\": data_offsets holds a number with a fraction"),
    R("offset_fraction", OFFSETS("[1.5,8]"), 8, "tensor \"w\": data_offsets holds a number with a fraction"),
    R("offset_minus_zero", OFFSETS("[-0,8]"), 8, "\"-0\", expected a non-negative integer"),
    R("offset_minus_zero_real", OFFSETS("[-0.0,8]"), 8, "\"-0\", expected a non-negative integer"),
    R("offset_negative", OFFSETS("[-1,7]"), 8, "tensor \"w\": data_offsets holds -1"),
    R("offset_int64_min", OFFSETS("[-9223372036854775808,8]"), 8,
      "tensor \"w\": data_offsets holds -9223372036854775808"),
    R("offset_007", OFFSETS("[007,8]"), 8, "not valid JSON"),
    R("offset_plus", OFFSETS("[0,+8]"), 8, "not valid JSON"),
    R("offset_hex", OFFSETS("[0,0x8]"), 8, "not valid JSON"),
    R("offset_2_63", OFFSETS("[0,9223372036854775808]"), 8, "not valid JSON"),
    R("offset_2_64", OFFSETS("[18446744073709551616,8]"), 8, "not valid JSON"),
    R("offset_2_64_plus_8", OFFSETS("[0,18446744073709551624]"), 8, "not valid JSON"),
    R("offset_true", OFFSETS("[false,8]"), 8, "tensor \"w\": data_offsets holds a boolean"),
    R("end_before_begin", OFFSETS("[8,0]"), 8, "tensor \"w\": data_offsets end at 0, before their begin 8"),
    R("end_behind_file", W(F32, "[4]", "[0,16]"), 8, "tensor \"w\" needs bytes 0 to 16 of the data, the file has 8"),
    R("end_far_behind_file", W("\"U8\"", "[9223372036854775807]", "[0,9223372036854775807]"), 8,
      "tensor \"w\" needs bytes 0 to 9223372036854775807"),
    R("bytes_too_many", W(F32, "[2]", "[0,12]"), 12, "tensor \"w\": data_offsets span 12 bytes, expected 8"),
    R("bytes_too_few", W(F32, "[4]", "[0,8]"), 8, "tensor \"w\": data_offsets span 8 bytes, expected 16"),
    R("scalar_without_bytes", W(F32, "[]", "[0,0]"), 0, "tensor \"w\": data_offsets span 0 bytes, expected 4"),
    R("empty_with_bytes", W(F32, "[0]", "[0,8]"), 8, "tensor \"w\": data_offsets span 8 bytes, expected 0"),
    R("f64_of_16_bytes", "{\"test\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,16]}}", 16,
      "tensor \"test\": data_offsets span 16 bytes, expected 32"),

    /* tiling */
    R("gap_at_start", OFFSETS("[4,12]"), 12, "tensor \"w\" begins at byte 4, expected 0: a gap"),
    R("gap_between", "{\"w\":" T(F32, "[1]", "[0,4]") ",\"v\":" T(F32, "[1]", "[8,12]") "}", 12,
      "tensor \"v\" begins at byte 8, expected 4: a gap"),
    R("overlap", "{\"w\":" T(F32, "[2]", "[0,8]") ",\"v\":" T(F32, "[2]", "[4,12]") "}", 12,
      "tensor \"v\" begins at byte 4, expected 8: overlaps \"w\""),
    R("contained", "{\"w\":" T(F32, "[3]", "[0,12]") ",\"v\":" T(F32, "[1]", "[4,8]") "}", 12,
      "tensor \"v\" begins at byte 4, expected 12: overlaps \"w\""),
    R("same_range", "{\"w\":" T(F32, "[2]", "[0,8]") ",\"v\":" T(F32, "[2]", "[0,8]") "}", 8,
      "tensor \"w\" begins at byte 0, expected 8: overlaps \"v\""),
    R("empty_inside_another", "{\"w\":" T(F32, "[2]", "[0,8]") ",\"v\":" T(F32, "[0]", "[4,4]") "}", 8,
      "tensor \"v\" begins at byte 4, expected 8: overlaps \"w\""),
    R("empty_behind_file", "{\"w\":" T(F32, "[2]", "[0,8]") ",\"v\":" T(F32, "[0]", "[9,9]") "}", 8,
      "tensor \"v\" begins at byte 9, expected 8: a gap"),
    R("bytes_behind", OFFSETS("[0,8]"), 9, "1 bytes behind the last tensor"),
    R("bytes_without_tensor", "{}", 4, "4 bytes behind the last tensor"),
    R("one_byte_short", OFFSETS("[0,8]"), 7, "tensor \"w\" needs bytes 0 to 8 of the data, the file has 7"),
    R("no_data", OFFSETS("[0,8]"), 0, "tensor \"w\" needs bytes 0 to 8 of the data, the file has 0"),
    R("second_cut", "{\"w\":" T(F32, "[2]", "[0,8]") ",\"v\":" T(F32, "[2]", "[8,16]") "}", 12,
      "tensor \"v\" needs bytes 8 to 16 of the data, the file has 12"),

    /* metadata */
    R("metadata_integer", "{\"__metadata__\":{\"format\":1},\"w\":" GOOD "}", 8,
      "__metadata__: \"format\" is an integer"),
    R("metadata_null_value", "{\"__metadata__\":{\"format\":null},\"w\":" GOOD "}", 8,
      "__metadata__: \"format\" is null"),
    R("metadata_nested", "{\"__metadata__\":{\"a\\u001b\":{}},\"w\":" GOOD "}", 8,
      "__metadata__: \"a\\x1b\" is an object"),
    R("metadata_string", "{\"__metadata__\":\"pt\",\"w\":" GOOD "}", 8, "__metadata__ is a string"),
    R("metadata_null", "{\"__metadata__\":null,\"w\":" GOOD "}", 8, "__metadata__ is null"),
    R("tensor_named_metadata", "{\"__metadata__\":" GOOD "}", 8, "__metadata__: \"shape\" is an array"),
};

static void test_refused(void **state)
{
    const refused *r = *state;
    const char *path = st_path(r->name);
    st_write_file(path, r->header, r->header_bytes, r->data_bytes);
    st_assert_refused(path, r->says);
}

int main(void)
{
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = test_refused, .initial_state = (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
