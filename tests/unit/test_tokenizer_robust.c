/* SPDX-License-Identifier: MIT */
/* Texts that must neither get through nor hurt: invalid UTF-8, and a megabyte of everything. */
#include "base/error.h"
#include "text/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LENGTH = 77 };

static tokenizer *clip;

static int open_clip(void **state)
{
    (void)state;
    return tokenizer_open(&clip, NULL);
}

static int close_clip(void **state)
{
    (void)state;
    tokenizer_close(&clip);
    return 0;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* pattern as often as it fits into n bytes. */
static char *repeated(const char *pattern, size_t n)
{
    size_t length = strlen(pattern);
    char *s = malloc(n + 1);
    assert_non_null(s);
    n -= n % length;
    for (size_t i = 0; i < n; i++) s[i] = pattern[i % length];
    s[n] = 0;
    return s;
}

/* --- invalid UTF-8 ------------------------------------------------------------------------------------------------ */

static void invalid_utf8_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int at;
    } cases[] = {
        {"\x80", 0},
        {"ab\xFFz", 2},
        {"a\xC3", 1},
        {"a\xC3(", 1},
        {"\xC0\xAF", 0},
        {"x\xC1\xBF", 1},
        {"\xE0\x9F\xBF", 0},
        {"abc\xED\xA0\x80", 3},
        {"\xE2\x82", 0},
        {"\xF0\x8F\xBF\xBF", 0},
        {"é\xF4\x90\x80\x80", 2},
        {"\xF5\x80\x80\x80", 0},
        {"\xF0\x9F\x99", 0},
        {"日本\xE8\xAA", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t *ids, padded[LENGTH];
        int n;
        char where[32];
        snprintf(where, sizeof where, "at byte %d ", cases[i].at);
        assert_int_equal(tokenizer_encode(clip, cases[i].text, &ids, &n), SDCL_EUSAGE);
        assert_null(ids);
        if (!strstr(sdcl_last_error(), where)) fail_msg("case %zu: %s", i, sdcl_last_error());
        assert_int_equal(tokenizer_encode_padded(clip, cases[i].text, padded, LENGTH, NULL), SDCL_EUSAGE);
    }
}

static void last_code_points_are_fine(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int32_t *ids;
        int n;
        assert_int_equal(tokenizer_encode(clip, texts[i], &ids, &n), 0);
        assert_true(n > 0);
        strbuf text = {0};
        assert_int_equal(tokenizer_decode(clip, ids, n, &text), 0);
        assert_string_equal(strbuf_text(&text), texts[i]);
        strbuf_free(&text);
        free(ids);
    }
}

/* --- long texts --------------------------------------------------------------------------------------------------- */

static int encoded_in_time(const char *pattern, size_t bytes)
{
    char *text = repeated(pattern, bytes);
    int32_t *ids;
    int n;
    double begin = seconds();
    assert_int_equal(tokenizer_encode(clip, text, &ids, &n), 0);
    double took = seconds() - begin;
    if (took > 2 * 10)
        fail_msg("%zu bytes of \"%s\" took %.1f s", bytes, pattern, took); /* 2 s, ten times that under a sanitizer */
    free(ids);
    free(text);
    return n;
}

static void one_word_of_a_megabyte(void **state)
{
    (void)state;
    assert_int_equal(encoded_in_time("a", 1000000), 125001);
    assert_int_equal(encoded_in_time("!", 1000000), 62501);
}

static void a_megabyte_of_spaces_and_words(void **state)
{
    (void)state;
    assert_int_equal(encoded_in_time(" ", 1000000), 0);
    assert_int_equal(encoded_in_time("a b ", 1000000), 500000);
}

static void a_megabyte_of_marks(void **state)
{
    (void)state;
    assert_true(encoded_in_time("\xCC\x81\xCC\x96", 1000000) > 100000); /* above and below in turn: all have to move */
}

static void ten_thousand_tokens(void **state)
{
    (void)state;
    assert_int_equal(encoded_in_time("a cat ", 5000 * 6), 10000);
    assert_int_equal(encoded_in_time("<|endoftext|>", 10000 * 13), 10000);
}

static void endless_text_is_refused(void **state)
{
    (void)state;
    char *text = repeated("a", (4 << 20) + 1);
    int32_t *ids;
    int n;
    assert_int_equal(tokenizer_encode(clip, text, &ids, &n), SDCL_EUSAGE);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invalid_utf8_is_refused), cmocka_unit_test(last_code_points_are_fine),
        cmocka_unit_test(one_word_of_a_megabyte),  cmocka_unit_test(a_megabyte_of_spaces_and_words),
        cmocka_unit_test(a_megabyte_of_marks),     cmocka_unit_test(ten_thousand_tokens),
        cmocka_unit_test(endless_text_is_refused),
    };
    return cmocka_run_group_tests(tests, open_clip, close_clip);
}
