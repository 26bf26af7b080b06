/* SPDX-License-Identifier: MIT */
#include "io/json_read.h"

#include "base/error.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Overwrites words outside strings, each with its own length, so that error positions stay true. */
static void null_infinities(char *s, size_t n)
{
    static const struct {
        const char *word, *null;
    } words[] = {{"-Infinity", "null     "}, {"Infinity", "null    "}};
    bool string = false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"') string = !string;
        else if (string && s[i] == '\\') i++;
        else if (!string)
            for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
                size_t length = strlen(words[w].word);
                if (n - i >= length && !memcmp(s + i, words[w].word, length)) memcpy(s + i, words[w].null, length);
            }
    }
}

void json_reader_open(json_reader *r, const char *path, size_t max_bytes)
{
    *r = (json_reader){.path = path};
    char *data = NULL;
    size_t n = 0;
    r->err = file_read_small(path, max_bytes, &data, &n);
    if (r->err) return;
    null_infinities(data, n);
    json_error_t e;
    r->file = json_loadb(data, n, JSON_REJECT_DUPLICATES, &e);
    free(data);
    r->root = r->file;
    if (!r->file) r->err = FAIL(SDCL_EMODEL, "%s:%d: %s", path, e.line, e.text);
    else if (!json_is_object(r->root)) r->err = FAIL(SDCL_EMODEL, "%s: not a JSON object", path);
}

int json_reader_close(json_reader *r)
{
    json_decref(r->file);
    r->file = r->root = NULL;
    return r->err;
}

/* NULL: absent, or an error came before. */
static json_t *member(const json_reader *r, const char *key)
{
    json_t *v = r->err ? NULL : json_object_get(r->root, key);
    return json_is_null(v) ? NULL : v;
}

/* The value as JSON text for a message. */
static char *literal(const json_t *v) { return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9)); }

static void refuse(json_reader *r, const char *key, const json_t *v, const char *expected)
{
    char *text = literal(v);
    r->err = FAIL(SDCL_EMODEL, "%s: %s is %.80s, expected %s", r->path, key, text ? text : "?", expected);
    free(text);
}

static bool in_range(json_reader *r, const char *key, const json_t *v, int min, int max)
{
    if (json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max) return true;
    char expected[64];
    snprintf(expected, sizeof expected, "an integer from %d to %d", min, max);
    refuse(r, key, v, expected);
    return false;
}

int json_read_int(json_reader *r, const char *key, int fallback, int min, int max)
{
    json_t *v = member(r, key);
    return v && in_range(r, key, v, min, max) ? (int)json_integer_value(v) : fallback;
}

double json_read_number(json_reader *r, const char *key, double fallback, double min, double max)
{
    json_t *v = member(r, key);
    if (!v) return fallback;
    double d = json_number_value(v);
    if (json_is_number(v) && d >= min && d <= max) return d;
    char expected[96];
    snprintf(expected, sizeof expected, "a number from %g to %g", min, max);
    refuse(r, key, v, expected);
    return fallback;
}

bool json_read_bool(json_reader *r, const char *key, bool fallback)
{
    json_t *v = member(r, key);
    if (!v) return fallback;
    if (json_is_boolean(v)) return json_is_true(v);
    refuse(r, key, v, "true or false");
    return fallback;
}

const char *json_read_string(json_reader *r, const char *key, const char *fallback)
{
    json_t *v = member(r, key);
    if (!v) return fallback;
    if (json_is_string(v)) return json_string_value(v);
    refuse(r, key, v, "a string");
    return fallback;
}

void json_read_text(json_reader *r, const char *key, const char *fallback, char *out, size_t size)
{
    const char *s = json_read_string(r, key, fallback);
    if (strlen(s) >= size) {
        r->err = FAIL(SDCL_EMODEL, "%s: %s is \"%.80s...\": not a known value", r->path, key, s);
        s = "";
    }
    memcpy(out, s, strlen(s) + 1);
}

int json_read_int_list(json_reader *r, const char *key, int min, int max, int *out, int n_max)
{
    json_t *v = member(r, key);
    if (!v) return 0;
    size_t n = json_array_size(v);
    if (!n || n > (size_t)n_max) {
        char expected[64];
        snprintf(expected, sizeof expected, "a list of 1 to %d integers", n_max);
        refuse(r, key, v, expected);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (!in_range(r, key, json_array_get(v, i), min, max)) return 0;
        out[i] = (int)json_integer_value(json_array_get(v, i));
    }
    return (int)n;
}

void json_read_ints(json_reader *r, const char *key, int fallback, int min, int max, int *out, int n)
{
    json_t *v = member(r, key);
    if (!json_is_array(v)) {
        int all = json_read_int(r, key, fallback, min, max);
        for (int i = 0; i < n; i++) out[i] = all;
    } else if (json_array_size(v) != (size_t)n) {
        char expected[64];
        snprintf(expected, sizeof expected, "an integer or a list of %d", n);
        refuse(r, key, v, expected);
    } else {
        json_read_int_list(r, key, min, max, out, n);
    }
}

void json_expect(json_reader *r, const char *key, const char *allowed)
{
    json_t *v = member(r, key);
    if (!v) return;
    char *text = literal(v);
    size_t n = text ? strlen(text) : 0;
    for (const char *word = allowed; n && *word;) {
        size_t length = strcspn(word, " ");
        if (length == n && !memcmp(word, text, n)) goto out;
        word += length;
        word += strspn(word, " ");
    }
    r->err = FAIL(SDCL_EMODEL, "%s: %s is %.80s: not supported, only %s is", r->path, key, text ? text : "?", allowed);
out:
    free(text);
}

void json_expect_all(json_reader *r, const json_expectation *list)
{
    for (; list->key; list++) json_expect(r, list->key, list->allowed);
}
