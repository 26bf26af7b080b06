/* SPDX-License-Identifier: MIT */
/* Vocabulary files: good ones, and every way to be wrong that a message should name. */
#include "base/error.h"
#include "base/strbuf.h"
#include "scratch.h"
#include "text/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A small vocabulary: 512 byte symbols, "ab", "ab</w>", "cab</w>", start 515, end 516. */
static const char good_merges[] = "#version: 0.2\na b\na b</w>\nc ab</w>\n";
static const char good_tail[] =
    "\"ab\": 512, \"ab</w>\": 513, \"cab</w>\": 514, \"<|startoftext|>\": 515, \"<|endoftext|>\": 516}";

static scratch dir;

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", dir.folder, name);
    return path;
}

static void put_bytes(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put(const char *name, const char *text) { put_bytes(name, text, strlen(text)); }

/* The JSON object of the byte symbols, ids 0 .. 511, then tail; a bad one: skip >= 0 leaves that id out. */
static void vocab_text(strbuf *json, const char *tail, int skip)
{
    int other = 0x100;
    int symbol[256];
    for (int b = 0; b < 256; b++) symbol[b] = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD) ? b : other++;
    strbuf_puts(json, "{\n");
    for (int i = 0; i < 512; i++) {
        if (i != skip) strbuf_printf(json, "\"\\u%04x%s\": %d,\n", (unsigned)symbol[i % 256], i < 256 ? "" : "</w>", i);
    }
    strbuf_puts(json, tail);
    assert_false(json->failed);
}

static void put_vocab(const char *tail, int skip)
{
    strbuf json = {0};
    vocab_text(&json, tail, skip);
    put_bytes("vocab.json", json.s, json.n);
    strbuf_free(&json);
}

static int make_good(void **state)
{
    (void)state;
    if (!scratch_open(&dir)) return -1;
    put_vocab(good_tail, -1);
    put("merges.txt", good_merges);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    scratch_close(&dir);
    return 0;
}

static tokenizer *opened(void)
{
    tokenizer *t;
    if (tokenizer_open(&t, dir.folder)) fail_msg("%s", sdcl_last_error());
    return t;
}

static void assert_refused(const char *part)
{
    tokenizer *t;
    assert_int_equal(tokenizer_open(&t, dir.folder), SDCL_EMODEL);
    assert_null(t);
    if (!strstr(sdcl_last_error(), part)) fail_msg("\"%s\" does not say \"%s\"", sdcl_last_error(), part);
}

static void assert_ids(const tokenizer *t, const char *text, int count, const int32_t *want)
{
    int32_t *ids;
    int n;
    assert_int_equal(tokenizer_encode(t, text, &ids, &n), 0);
    assert_int_equal(n, count);
    assert_memory_equal(ids, want, (size_t)n * sizeof *ids);
    free(ids);
}

/* "ab cab" under the small vocabulary; closes t. */
static void assert_works(tokenizer *t)
{
    assert_ids(t, "ab CAB abx", 4, (const int32_t[]){513, 514, 512, 256 + 'x'});
    tokenizer_close(&t);
}

/* --- what is taken ------------------------------------------------------------------------------------------------ */

static void pocket_model(void **state)
{
    (void)state;
    tokenizer *t;
    assert_int_equal(tokenizer_open(&t, "models/pocket/tokenizer"), 0);
    assert_int_equal(tokenizer_size(t), 2048);
    assert_int_equal(tokenizer_start(t), 2046);
    assert_int_equal(tokenizer_end(t), 2047);
    assert_int_equal(tokenizer_pad(t), 2047);
    assert_ids(t, "a photo of a red apple", 6, (const int32_t[]){320, 643, 571, 320, 569, 1772});
    assert_ids(t, "Hello, World!", 6, (const int32_t[]){1395, 75, 334, 267, 1953, 256});
    tokenizer_close(&t);
}

static void small_vocabulary(void **state)
{
    (void)state;
    tokenizer *t = opened();
    assert_int_equal(tokenizer_size(t), 517);
    assert_int_equal(tokenizer_start(t), 515);
    assert_int_equal(tokenizer_end(t), 516);
    assert_works(t);
}

static void windows_line_ends(void **state)
{
    (void)state;
    put("merges.txt", "#version: 0.2\r\na b\r\na b</w>\r\nc ab</w>\r\n");
    assert_works(opened());
}

static void no_line_end_or_many_at_the_end(void **state)
{
    (void)state;
    put("merges.txt", "#version: 0.2\na b\na b</w>\nc ab</w>");
    assert_works(opened());
    put("merges.txt", "#version: 0.2\na b\na b</w>\nc ab</w>\n\n\r\n\n");
    assert_works(opened());
}

/* --- merges.txt --------------------------------------------------------------------------------------------------- */

static void merges_without_version(void **state)
{
    (void)state;
    put("merges.txt", "a b\na b</w>\nc ab</w>\n");
    assert_refused("merges.txt:1: expected a line with #version");
}

static void empty_merges(void **state)
{
    (void)state;
    put("merges.txt", "");
    assert_refused("merges.txt:1:");
    put("merges.txt", "#version: 0.2\n");
    assert_refused("no line makes \"ab\", token 512");
}

static void a_merge_too_few(void **state)
{
    (void)state;
    put("merges.txt", "#version: 0.2\na b\na b</w>\n");
    assert_refused("merges.txt: no line makes \"cab</w>\", token 514 of ");
}

static void a_merge_too_many(void **state)
{
    (void)state;
    put("merges.txt", "#version: 0.2\na b\na b</w>\nc ab</w>\nc ab\n");
    assert_refused("merges.txt:5: \"cab\" is not in the vocabulary");
}

static void unknown_symbol(void **state)
{
    (void)state;
    put("merges.txt", "#version: 0.2\na b\nqq b</w>\nc ab</w>\n");
    assert_refused("merges.txt:3: \"qq\" is not in the vocabulary");
    put("merges.txt", "#version: 0.2\na b\na \xE6\x97\xA5\nc ab</w>\n");
    assert_refused("merges.txt:3: \"\xE6\x97\xA5\"");
}

static void repeated_merge(void **state)
{
    (void)state;
    put("merges.txt", "#version: 0.2\na b\na b</w>\na b\nc ab</w>\n");
    assert_refused("merges.txt:4: \"ab\" is made by an earlier line");
}

static void misshapen_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {"ab", "a b c", " b", "a ", "a  b", " ", ""};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[128];
        snprintf(text, sizeof text, "#version: 0.2\na b\n%s\na b</w>\nc ab</w>\n", lines[i]);
        put("merges.txt", text);
        assert_refused("merges.txt:3: expected two symbols");
    }
}

static void binary_merges(void **state)
{
    (void)state;
    put_bytes("merges.txt", "#version: 0.2\na b\0\n", 19);
    assert_refused("merges.txt:2:");
    put("merges.txt", "#version: 0.2\na \xFF\n");
    assert_refused("merges.txt:2:");
}

/* --- vocab.json --------------------------------------------------------------------------------------------------- */

static void repeated_name(void **state)
{
    (void)state;
    put_vocab("\"ab\": 512, \"ab\": 512, \"ab</w>\": 513, \"cab</w>\": 514, \"<|startoftext|>\": 515, "
              "\"<|endoftext|>\": 516}",
              -1);
    assert_refused("vocab.json:514: duplicate object key");
}

static void repeated_id(void **state)
{
    (void)state;
    put_vocab("\"ab\": 512, \"ab</w>\": 512, \"cab</w>\": 514, \"<|startoftext|>\": 515, \"<|endoftext|>\": 516}", -1);
    assert_refused("vocab.json: \"ab\" and \"ab</w>\" both have id 512");
}

static void ids_out_of_range(void **state)
{
    (void)state;
    static const char *const ids[] = {"517", "-1", "4294967296", "9223372036854775807"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char tail[256], message[64];
        snprintf(tail, sizeof tail,
                 "\"ab\": 512, \"ab</w>\": 513, \"cab</w>\": %s, \"<|startoftext|>\": 515, \"<|endoftext|>\": 516}",
                 ids[i]);
        snprintf(message, sizeof message, "vocab.json: \"cab</w>\" has id %s", ids[i]);
        put_vocab(tail, -1);
        assert_refused(message);
    }
}

static void ids_that_are_no_integers(void **state)
{
    (void)state;
    static const char *const ids[] = {"514.0", "\"514\"", "null", "true", "[514]", "{}"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char tail[256];
        snprintf(tail, sizeof tail,
                 "\"ab\": 512, \"ab</w>\": 513, \"cab</w>\": %s, \"<|startoftext|>\": 515, \"<|endoftext|>\": 516}",
                 ids[i]);
        put_vocab(tail, -1);
        assert_refused("vocab.json: the id of \"cab</w>\" is not an integer");
    }
}

static void missing_byte(void **state)
{
    (void)state;
    put_vocab("\"ab\": 512, \"ab</w>\": 513, \"cab</w>\": 514, \"<|startoftext|>\": 97, \"<|endoftext|>\": 515}", 'a');
    assert_refused("vocab.json: \"a\", the symbol of byte 0x61, is missing");
}

static void missing_special_token(void **state)
{
    (void)state;
    put_vocab("\"ab\": 512, \"ab</w>\": 513, \"cab</w>\": 514, \"<|startoftext|>\": 515}", -1);
    assert_refused("the eos_token \"<|endoftext|>\" is not in the vocabulary");
}

static void token_that_nothing_makes(void **state)
{
    (void)state;
    put_vocab("\"ab\": 512, \"ab</w>\": 513, \"cab</w>\": 514, \"<|startoftext|>\": 515, \"<|endoftext|>\": 516, "
              "\"zz\": 517}",
              -1);
    assert_refused("no line makes \"zz\", token 517");
}

static void vocab_that_is_no_object(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "[]", "null", "{", "{\"a\": 0,}", "{\"\xFF\": 0}", "{\"\\u0000\": 0}", "{}", "{\"a\": 0} x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put("vocab.json", texts[i]);
        assert_refused("vocab.json");
    }
}

static void cut_vocab(void **state)
{
    (void)state;
    strbuf json = {0};
    vocab_text(&json, good_tail, -1);
    for (size_t n = 0; n < json.n; n += 97) {
        put_bytes("vocab.json", json.s, n);
        assert_refused("vocab.json:");
    }
    strbuf_free(&json);
}

static void cut_merges(void **state)
{
    (void)state;
    for (size_t n = 0; n + 2 < sizeof good_merges; n++) { /* all but the whole text and its last line end */
        put_bytes("merges.txt", good_merges, n);
        assert_refused("merges.txt");
    }
}

/* --- special tokens ----------------------------------------------------------------------------------------------- */

static void pad_token_from_the_config(void **state)
{
    (void)state;
    put("tokenizer_config.json",
        "{\"bos_token\": {\"content\": \"<|startoftext|>\"}, \"pad_token\": \"!\", \"unk_token\": null}");
    tokenizer *t = opened();
    assert_int_equal(tokenizer_pad(t), '!');
    assert_int_equal(tokenizer_end(t), 516);
    assert_ids(t, "ab!!", 3, (const int32_t[]){513, '!', '!'}); /* special now, so not a word */
    tokenizer_close(&t);
}

static void longest_special_token_wins(void **state)
{
    (void)state;
    put("tokenizer_config.json", "{\"pad_token\": {\"content\": \"<\", \"normalized\": true}}");
    tokenizer *t = opened();
    assert_ids(t, "<|endoftext|><x", 3, (const int32_t[]){516, '<', 256 + 'x'});
    tokenizer_close(&t);
}

static void map_overrides_an_old_config(void **state)
{
    (void)state;
    put("tokenizer_config.json", "{\"pad_token\": \"!\", \"eos_token\": \"?\"}");
    put("special_tokens_map.json", "{\"pad_token\": {\"content\": \"<|endoftext|>\"}}");
    tokenizer *t = opened();
    assert_int_equal(tokenizer_pad(t), 516);
    assert_int_equal(tokenizer_end(t), '?');
    tokenizer_close(&t);
}

static void complete_config_hides_the_map(void **state)
{
    (void)state;
    put("tokenizer_config.json", "{\"pad_token\": \"!\", \"added_tokens_decoder\": {}}");
    put("special_tokens_map.json", "{\"pad_token\": \"<|endoftext|>\"}");
    tokenizer *t = opened();
    assert_int_equal(tokenizer_pad(t), '!');
    tokenizer_close(&t);
}

static void wrong_special_tokens(void **state)
{
    (void)state;
    put("tokenizer_config.json", "{\"pad_token\": \"[PAD]\"}");
    assert_refused("tokenizer_config.json: the pad_token \"[PAD]\" is not in the vocabulary");
    put("tokenizer_config.json", "{\"pad_token\": 3}");
    assert_refused("tokenizer_config.json: pad_token is not a token");
    put("tokenizer_config.json", "{\"eos_token\": {\"id\": 3}}");
    assert_refused("tokenizer_config.json: eos_token is not a token");
    put("tokenizer_config.json", "{\"eos_token\": \"!\", \"eos_token\": \"!\"}");
    assert_refused("tokenizer_config.json:1: duplicate object key");
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

static void missing_files(void **state)
{
    (void)state;
    unlink(path_of("merges.txt"));
    assert_refused("merges.txt: No such file");
    unlink(path_of("vocab.json"));
    assert_refused("vocab.json: No such file");
}

static void not_regular_files(void **state)
{
    (void)state;
    unlink(path_of("merges.txt"));
    assert_int_equal(mkfifo(path_of("merges.txt"), 0600), 0);
    assert_refused("merges.txt: not a regular file");
    unlink(path_of("vocab.json"));
    assert_int_equal(mkdir(path_of("vocab.json"), 0700), 0);
    assert_refused("vocab.json: not a regular file");
}

static void endless_file(void **state)
{
    (void)state;
    assert_int_equal(truncate(path_of("merges.txt"), (65 << 20)), 0);
    assert_refused("merges.txt: more than 64 MiB");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_good, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pocket_model),
        TEST(small_vocabulary),
        TEST(windows_line_ends),
        TEST(no_line_end_or_many_at_the_end),
        TEST(merges_without_version),
        TEST(empty_merges),
        TEST(a_merge_too_few),
        TEST(a_merge_too_many),
        TEST(unknown_symbol),
        TEST(repeated_merge),
        TEST(misshapen_lines),
        TEST(binary_merges),
        TEST(repeated_name),
        TEST(repeated_id),
        TEST(ids_out_of_range),
        TEST(ids_that_are_no_integers),
        TEST(missing_byte),
        TEST(missing_special_token),
        TEST(token_that_nothing_makes),
        TEST(vocab_that_is_no_object),
        TEST(cut_vocab),
        TEST(cut_merges),
        TEST(pad_token_from_the_config),
        TEST(longest_special_token_wins),
        TEST(map_overrides_an_old_config),
        TEST(complete_config_hides_the_map),
        TEST(wrong_special_tokens),
        TEST(missing_files),
        TEST(not_regular_files),
        TEST(endless_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
