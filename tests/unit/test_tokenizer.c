/* SPDX-License-Identifier: MIT */
/* The built-in CLIP tokenizer against transformers' CLIPTokenizerFast (tests/golden/tokenizer.json). */
#include "base/error.h"
#include "text/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { START = 49406, END = 49407, LENGTH = 77 };

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

static void assert_ids(const char *text, const int32_t *want, int n_want)
{
    int32_t *ids;
    int n;
    if (tokenizer_encode(clip, text, &ids, &n)) fail_msg("\"%s\": %s", text, sdcl_last_error());
    for (int i = 0; i < n && i < n_want; i++)
        if (ids[i] != want[i]) fail_msg("\"%s\": token %d is %d, expected %d", text, i, (int)ids[i], (int)want[i]);
    if (n != n_want) fail_msg("\"%s\": %d tokens, expected %d", text, n, n_want);
    free(ids);
}

#define ASSERT_IDS(text, ...)                                                                                          \
    assert_ids(text, (const int32_t[]){__VA_ARGS__}, (int)(sizeof(int32_t[]){__VA_ARGS__} / sizeof(int32_t)))

/* Both texts have the same tokens, and some. */
static void assert_same(const char *a, const char *b)
{
    int32_t *ids;
    int n;
    assert_int_equal(tokenizer_encode(clip, a, &ids, &n), 0);
    assert_true(n > 0);
    assert_ids(b, ids, n);
    free(ids);
}

static void assert_decoded(const char *want, const int32_t *ids, int n)
{
    strbuf text = {0};
    assert_int_equal(tokenizer_decode(clip, ids, n, &text), 0);
    assert_string_equal(strbuf_text(&text), want);
    strbuf_free(&text);
}

#define ASSERT_DECODED(want, ...)                                                                                      \
    assert_decoded(want, (const int32_t[]){__VA_ARGS__}, (int)(sizeof(int32_t[]){__VA_ARGS__} / sizeof(int32_t)))

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

/* --- golden vectors ----------------------------------------------------------------------------------------------- */

static int32_t *numbers(const json_t *list)
{
    int32_t *v = calloc(json_array_size(list) + 1, sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < json_array_size(list); i++) v[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return v;
}

static json_t *golden(void)
{
    json_t *file = json_load_file("tests/golden/tokenizer.json", JSON_ALLOW_NUL, NULL);
    assert_non_null(file);
    return file;
}

static void golden_vectors(void **state)
{
    (void)state;
    json_t *file = golden(), *vector;
    size_t i, done = 0;
    json_array_foreach(json_object_get(file, "vectors"), i, vector)
    {
        const json_t *text = json_object_get(vector, "text"), *fast = json_object_get(vector, "fast");
        if (strlen(json_string_value(text)) != json_string_length(text)) continue; /* a C string holds no NUL */
        const json_t *want = fast ? fast : json_object_get(vector, "ids");
        int32_t *ids = numbers(want);
        assert_ids(json_string_value(text), ids, (int)json_array_size(want));
        free(ids);
        done++;
    }
    assert_int_equal(i, 257);
    assert_int_equal(done, 256);
    json_decref(file);
}

static void golden_padded(void **state)
{
    (void)state;
    json_t *file = golden(), *vector;
    size_t i;
    json_array_foreach(json_object_get(file, "padded"), i, vector)
    {
        int32_t got[LENGTH], *want = numbers(json_object_get(vector, "ids77"));
        assert_int_equal(
            tokenizer_encode_padded(clip, json_string_value(json_object_get(vector, "text")), got, LENGTH, NULL), 0);
        assert_memory_equal(got, want, sizeof got);
        free(want);
    }
    assert_int_equal(i, 6);
    json_decref(file);
}

/* --- the vocabulary ----------------------------------------------------------------------------------------------- */

static void size_and_special_ids(void **state)
{
    (void)state;
    assert_int_equal(tokenizer_size(clip), 49408);
    assert_int_equal(tokenizer_start(clip), START);
    assert_int_equal(tokenizer_end(clip), END);
    assert_int_equal(tokenizer_pad(clip), END);
}

static void corners_of_the_numbering(void **state)
{
    (void)state;
    ASSERT_DECODED("!", 0);
    ASSERT_DECODED("~", 93);
    ASSERT_DECODED("in", 512);
    ASSERT_DECODED("th", 513);
    ASSERT_DECODED("jekyll", 49405);
    ASSERT_DECODED("a,.(*", 64, 11, 13, 7, 9);
    ASSERT_DECODED("a , . ( *", 320, 267, 269, 263, 265);
}

static void closing_nothing(void **state)
{
    (void)state;
    tokenizer *none = NULL;
    tokenizer_close(&none);
    assert_null(none);
    assert_int_equal(tokenizer_open(&none, NULL), 0);
    tokenizer_close(&none);
    assert_null(none);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void empty_text(void **state)
{
    (void)state;
    assert_ids("", NULL, 0);
}

static void only_white_space(void **state)
{
    (void)state;
    assert_ids(" ", NULL, 0);
    assert_ids(" \t\n\v\f\r\xC2\x85\xC2\xA0\xE1\x9A\x80\xE2\x80\x83\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAF\xE2\x81\x9F\xE3"
               "\x80\x80",
               NULL, 0);
}

static void zero_width_is_not_space(void **state)
{
    (void)state;
    ASSERT_IDS("\xE2\x80\x8B\xE1\xA0\x8E", 17086, 157, 254, 492); /* U+200B U+180E */
}

static void contractions(void **state)
{
    (void)state;
    ASSERT_IDS("I'll we've it's x'd 'twas", 328, 1342, 649, 1200, 585, 568, 343, 1896, 713, 739);
    ASSERT_IDS("don't DON'T", 847, 713, 847, 713);
}

static void digits_stand_alone(void **state)
{
    (void)state;
    ASSERT_IDS("2023 8k", 273, 271, 273, 274, 279, 330);
}

static void control_characters_are_tokens(void **state)
{
    (void)state;
    for (char c = 1; c < 0x20; c++) {
        char text[] = {'a', c, 'b', 0};
        int32_t *ids;
        int n;
        assert_int_equal(tokenizer_encode(clip, text, &ids, &n), 0);
        assert_int_equal(n, c >= '\t' && c <= '\r' ? 2 : 3);
        assert_int_equal(ids[0], 320);
        assert_int_equal(ids[n - 1], 321);
        free(ids);
    }
    ASSERT_IDS("\x1C \x1F\x7F", 472, 219, 477);
}

/* --- normalisation ------------------------------------------------------------------------------------------------ */

static void composed_and_decomposed_agree(void **state)
{
    (void)state;
    ASSERT_IDS("e\xCC\x81", 4166);
    assert_same("caf\xC3\xA9", "cafe\xCC\x81");
    ASSERT_IDS("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", 15197, 506); /* three jamo, one syllable */
    assert_same("\xE2\x84\xAB", "\xC3\xA5");                        /* the angstrom sign */
}

static void marks_are_ordered(void **state)
{
    (void)state;
    ASSERT_IDS("a\xCD\x85\xCC\xB4", 320, 136, 112, 137, 483);
    assert_same("a\xCC\xB4\xCD\x85", "a\xCD\x85\xCC\xB4");
    assert_same("q\xCC\xA3\xCC\x87\xCC\x81", "q\xCC\x87\xCC\xA3\xCC\x81"); /* order within a class stays */
}

static void lower_case(void **state)
{
    (void)state;
    assert_same("straße ÄÖÜ ЖЯ", "STRAßE äöü жя");
    ASSERT_IDS("\xC4\xB0stanbul", 328, 16384, 11231); /* U+0130: i and a combining dot, which ends the word */
    ASSERT_IDS("a\xCE\xA3", 64, 139, 481);            /* no final form of sigma */
    assert_same("\xE2\x84\xAA", "k");                 /* the kelvin sign */
}

/* --- special tokens ----------------------------------------------------------------------------------------------- */

static void special_tokens_in_the_text(void **state)
{
    (void)state;
    ASSERT_IDS("<|endoftext|> test", END, 1628);
    ASSERT_IDS("a<|endoftext|>b", 320, END, 321);
    ASSERT_IDS("<|startoftext|><|endoftext|>", START, END);
    ASSERT_IDS("<|ENDOFTEXT|>", END); /* looked for in lower-case text */
}

static void unfinished_special_token_is_text(void **state)
{
    (void)state;
    ASSERT_IDS("<|endoftext", 27, 347, 40786, 4160);
    assert_same("<|endoftext| >", "<|endoftext|\n>");
}

/* --- padding and truncation --------------------------------------------------------------------------------------- */

/* The text that 77 places lose. */
static void assert_lost(const char *text, const char *want)
{
    int32_t ids[LENGTH];
    strbuf lost = {0};
    assert_int_equal(tokenizer_encode_padded(clip, text, ids, LENGTH, &lost), 0);
    assert_string_equal(strbuf_text(&lost), want);
    strbuf_free(&lost);
}

static void nothing_is_lost_up_to_75(void **state)
{
    (void)state;
    char *text = repeated("cat ", 75 * 4);
    int32_t ids[LENGTH];
    assert_lost("", "");
    assert_lost(text, "");
    assert_int_equal(tokenizer_encode_padded(clip, text, ids, LENGTH, NULL), 0);
    assert_int_equal(ids[0], START);
    assert_int_equal(ids[75], 2368);
    assert_int_equal(ids[76], END);
    free(text);
}

static void lost_text_is_returned(void **state)
{
    (void)state;
    char *cats = repeated("cat ", 75 * 4), text[512];
    snprintf(text, sizeof text, "%sand a DOG, \n caf\xC3\xA9!", cats);
    assert_lost(text, "and a dog , caf\xC3\xA9 !");
    free(cats);
}

static void cut_within_a_character(void **state)
{
    (void)state;
    char *cats = repeated("cat ", 74 * 4), text[512];
    snprintf(text, sizeof text, "%s\xE8\xAA\x9E end", cats); /* two tokens, e8 aa and 9e */
    assert_lost(text, "\xEF\xBF\xBD end");
    free(cats);
}

static void shortest_length(void **state)
{
    (void)state;
    int32_t ids[3] = {-1, -1, -1};
    assert_int_equal(tokenizer_encode_padded(clip, "a cat", ids, 2, NULL), 0);
    assert_int_equal(ids[0], START);
    assert_int_equal(ids[1], END);
    assert_int_equal(ids[2], -1);
    assert_int_equal(tokenizer_encode_padded(clip, "a cat", ids, 1, NULL), SDCL_EINTERNAL);
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

static void decoding_words(void **state)
{
    (void)state;
    ASSERT_DECODED("a photo of an astronaut", 320, 1125, 539, 550, 18376);
    ASSERT_DECODED("a <|endoftext|>b", 320, END, 321);
    assert_decoded("", NULL, 0);
}

static void decoding_strips_white_space(void **state)
{
    (void)state;
    ASSERT_DECODED("a", 472, 320, 472); /* U+001C on both sides */
}

static void decoding_repairs_utf8(void **state)
{
    (void)state;
    ASSERT_DECODED("\xEF\xBF\xBD \xE6\x97\xA5\xEF\xBF\xBD", 508, 39121, 100, 200);
    ASSERT_DECODED("\xEF\xBF\xBD\xEF\xBF\xBD!", 126, 126, 256);
    ASSERT_DECODED("\xEF\xBF\xBD"
                   "a",
                   172, 253, 320); /* f0 9f: one mark for both */
}

static void decoding_foreign_ids_is_refused(void **state)
{
    (void)state;
    strbuf text = {0};
    assert_int_equal(tokenizer_decode(clip, (const int32_t[]){49408}, 1, &text), SDCL_EINTERNAL);
    assert_int_equal(tokenizer_decode(clip, (const int32_t[]){-1}, 1, &text), SDCL_EINTERNAL);
    strbuf_free(&text);
}

static void decoding_appends(void **state)
{
    (void)state;
    strbuf text = {0};
    strbuf_puts(&text, "lost: ");
    assert_int_equal(tokenizer_decode(clip, (const int32_t[]){2368}, 1, &text), 0);
    assert_string_equal(text.s, "lost: cat");
    assert_int_equal(text.n, 9);
    strbuf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors),
        cmocka_unit_test(golden_padded),
        cmocka_unit_test(size_and_special_ids),
        cmocka_unit_test(corners_of_the_numbering),
        cmocka_unit_test(closing_nothing),
        cmocka_unit_test(empty_text),
        cmocka_unit_test(only_white_space),
        cmocka_unit_test(zero_width_is_not_space),
        cmocka_unit_test(contractions),
        cmocka_unit_test(digits_stand_alone),
        cmocka_unit_test(control_characters_are_tokens),
        cmocka_unit_test(composed_and_decomposed_agree),
        cmocka_unit_test(marks_are_ordered),
        cmocka_unit_test(lower_case),
        cmocka_unit_test(special_tokens_in_the_text),
        cmocka_unit_test(unfinished_special_token_is_text),
        cmocka_unit_test(nothing_is_lost_up_to_75),
        cmocka_unit_test(lost_text_is_returned),
        cmocka_unit_test(cut_within_a_character),
        cmocka_unit_test(shortest_length),
        cmocka_unit_test(decoding_words),
        cmocka_unit_test(decoding_strips_white_space),
        cmocka_unit_test(decoding_repairs_utf8),
        cmocka_unit_test(decoding_foreign_ids_is_refused),
        cmocka_unit_test(decoding_appends),
    };
    return cmocka_run_group_tests(tests, open_clip, close_clip);
}
