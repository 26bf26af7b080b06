/* SPDX-License-Identifier: MIT */
/* The byte alphabet: a byte that prints in Latin-1 stands for itself, the other 68 are U+0100 onwards; a symbol that
 * ends a word carries the suffix </w> (openai/CLIP, simple_tokenizer.py). */
#include "text/vocab.h"

#include "base/error.h"
#include "text/files.h"
#include "text/special.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

#define WORD_END "</w>"
enum { WORD_END_N = sizeof WORD_END - 1, SYMBOLS = 0x100 + 68 };

static bool stands_for_itself(int byte) { return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD); }

typedef struct alphabet {
    int code_point[256]; /* of a byte */
    int byte[SYMBOLS];   /* of a code point, or -1 */
    int order[256];      /* the bytes as CLIP numbers them: printable ones first */
} alphabet;

static void alphabet_init(alphabet *a)
{
    int n = 0, other = 0x100;
    for (int c = 0; c < SYMBOLS; c++) a->byte[c] = -1;
    for (int pass = 0; pass < 2; pass++)
        for (int byte = 0; byte < 256; byte++) {
            if (stands_for_itself(byte) == (pass == 1)) continue;
            int c = pass ? other++ : byte;
            a->code_point[byte] = c;
            a->byte[c] = byte;
            a->order[n++] = byte;
        }
}

/* --- merges.txt --------------------------------------------------------------------------------------------------- */

typedef struct merge_lines {
    const char *path, *at, *end;
    int line;
    const char *left, *right; /* of the current line */
    size_t left_n, right_n;
} merge_lines;

static const char *next_line(merge_lines *m, size_t *n)
{
    const char *line = m->at, *eol = memchr(line, '\n', (size_t)(m->end - line));
    m->at = eol ? eol + 1 : m->end;
    m->line++;
    *n = (size_t)((eol ? eol : m->end) - line);
    if (*n && line[*n - 1] == '\r') --*n;
    return line;
}

static int merges_begin(merge_lines *m, const char *path, const strbuf *text)
{
    size_t n;
    *m = (merge_lines){.path = path, .at = strbuf_text(text), .end = strbuf_text(text) + text->n};
    const char *first = next_line(m, &n);
    if (memmem(first, n, "#version", 8)) return 0;
    return FAIL(SDCL_EMODEL, "%s:1: expected a line with #version", path);
}

/* Not strspn(): where a sanitizer measures its text first, all that is left, a line costs as much as the file. */
static bool only_blank_lines(const char *s, const char *end)
{
    while (s < end && (*s == '\r' || *s == '\n')) s++;
    return s == end;
}

/* 1 for a merge, 0 at the end, where blank lines are fine, or an error. */
static int merges_next(merge_lines *m)
{
    if (only_blank_lines(m->at, m->end)) return 0;
    size_t n;
    m->left = next_line(m, &n);
    const char *space = memchr(m->left, ' ', n), *end = m->left + n;
    if (!space || space == m->left || space + 1 == end || memchr(space + 1, ' ', (size_t)(end - space - 1)))
        return FAIL(SDCL_EMODEL, "%s:%d: expected two symbols with a space between", m->path, m->line);
    m->right = space + 1;
    m->left_n = (size_t)(space - m->left);
    m->right_n = (size_t)(end - m->right);
    return 1;
}

/* The symbol of the two in one. */
static int merges_product(const merge_lines *m, strbuf *product)
{
    product->n = 0;
    strbuf_add(product, m->left, m->left_n);
    strbuf_add(product, m->right, m->right_n);
    return product->failed ? FAIL(SDCL_ENOMEM, "no memory for the merges") : 0;
}

/* id of the symbol s[0 .. n), negative and an error where there is none. */
static int32_t symbol_id(const merge_lines *m, const json_t *ids, const char *s, size_t n)
{
    const json_t *id = json_object_getn(ids, s, n);
    if (!id) return FAIL(SDCL_EMODEL, "%s:%d: \"%.*s\" is not in the vocabulary", m->path, m->line, (int)n, s);
    return (int32_t)json_integer_value(id);
}

static int read_merges(vocab *v, const json_t *ids, const char *path, const strbuf *text, bool *made)
{
    int err = 0, more;
    merge_lines m;
    strbuf product = {0};
    TRY(bpe_new(&v->merges, (size_t)v->size));
    TRY(merges_begin(&m, path, text));
    while ((more = merges_next(&m)) > 0) {
        TRY(merges_product(&m, &product));
        int32_t left = symbol_id(&m, ids, m.left, m.left_n);
        int32_t right = left < 0 ? left : symbol_id(&m, ids, m.right, m.right_n);
        int32_t whole = right < 0 ? right : symbol_id(&m, ids, product.s, product.n);
        if (whole < 0) TRY(whole);
        if (made[whole])
            TRY(FAIL(SDCL_EMODEL, "%s:%d: \"%s\" is made by an earlier line already", path, m.line, product.s));
        bpe_add(v->merges, left, right, whole);
        made[whole] = true;
    }
    err = more;
out:
    strbuf_free(&product);
    return err;
}

/* --- names and ids ------------------------------------------------------------------------------------------------ */

static int add_id(json_t *ids, const strbuf *name)
{
    json_int_t id = (json_int_t)json_object_size(ids);
    if (name->failed || json_object_setn_new(ids, strbuf_text(name), name->n, json_integer(id)))
        return FAIL(SDCL_ENOMEM, "no memory for the built-in vocabulary");
    return 0;
}

/* CLIP's numbering: bytes, bytes that end a word, merges, the two special tokens. */
static int number_clip(const alphabet *a, const char *path, const strbuf *merges, json_t **ids)
{
    static const char *const special[] = {"<|startoftext|>", "<|endoftext|>"};
    int err = 0, more;
    merge_lines m;
    strbuf name = {0};
    if (!(*ids = json_object())) TRY(FAIL(SDCL_ENOMEM, "no memory for the built-in vocabulary"));
    for (int i = 0; i < 512; i++) {
        name.n = 0;
        utf8_add(&name, a->code_point[a->order[i % 256]]);
        if (i >= 256) strbuf_puts(&name, WORD_END);
        TRY(add_id(*ids, &name));
    }
    TRY(merges_begin(&m, path, merges));
    while ((more = merges_next(&m)) > 0) {
        TRY(merges_product(&m, &name));
        TRY(add_id(*ids, &name));
    }
    TRY(more);
    for (int i = 0; i < 2; i++) {
        name.n = 0;
        strbuf_puts(&name, special[i]);
        TRY(add_id(*ids, &name));
    }
out:
    strbuf_free(&name);
    return err;
}

/* names[id], borrowed from ids: every id of 0 .. size-1 once. */
static int collect_names(json_t *ids, const char *path, int32_t size, const char **names)
{
    const char *name;
    json_t *value;
    json_object_foreach(ids, name, value)
    {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value)) return FAIL(SDCL_EMODEL, "%s: the id of \"%s\" is not an integer", path, name);
        if (id < 0 || id >= size)
            return FAIL(SDCL_EMODEL, "%s: \"%s\" has id %lld, expected 0 .. %d", path, name, (long long)id,
                        (int)size - 1);
        if (names[id])
            return FAIL(SDCL_EMODEL, "%s: \"%s\" and \"%s\" both have id %lld", path, names[id], name, (long long)id);
        names[id] = name;
    }
    return 0;
}

/* Appends what a token decodes to. One with a letter outside the alphabet (only a special token has any) stands for
 * itself. */
static void add_decoded(strbuf *out, const alphabet *a, const char *name)
{
    size_t n = strlen(name), mark = out->n;
    bool valid, last = n >= WORD_END_N && !memcmp(name + n - WORD_END_N, WORD_END, WORD_END_N);
    if (last) n -= WORD_END_N;
    for (size_t i = 0, length; i < n; i += length) {
        length = utf8_span(name + i, n - i, &valid);
        int32_t c = valid ? utf8_code_point(name + i, length) : SYMBOLS;
        if (c >= SYMBOLS || a->byte[c] < 0) {
            out->n = mark;
            strbuf_add(out, name, n);
            break;
        }
        strbuf_add(out, &(char){(char)a->byte[c]}, 1);
    }
    if (last) strbuf_puts(out, " ");
}

static int decode_names(vocab *v, const alphabet *a, const char *const *names)
{
    v->offset = calloc((size_t)v->size + 1, sizeof *v->offset);
    if (!v->offset) return FAIL(SDCL_ENOMEM, "no memory for the vocabulary");
    for (int32_t i = 0; i < v->size; i++) {
        add_decoded(&v->text, a, names[i]);
        v->offset[i + 1] = v->text.n;
    }
    return v->text.failed ? FAIL(SDCL_ENOMEM, "no memory for the vocabulary") : 0;
}

static int find_bytes(vocab *v, const alphabet *a, const json_t *ids, const char *path, bool *made)
{
    int err = 0;
    strbuf name = {0};
    for (int i = 0; i < 512; i++) {
        int byte = i % 256;
        name.n = 0;
        utf8_add(&name, a->code_point[byte]);
        if (i >= 256) strbuf_puts(&name, WORD_END);
        if (name.failed) TRY(FAIL(SDCL_ENOMEM, "no memory for the vocabulary"));
        const json_t *id = json_object_get(ids, name.s);
        if (!id)
            TRY(FAIL(SDCL_EMODEL, "%s: \"%s\", the symbol of byte 0x%02X, is missing", path, name.s, (unsigned)byte));
        (i < 256 ? v->inner : v->last)[byte] = (int32_t)json_integer_value(id);
        made[json_integer_value(id)] = true;
    }
out:
    strbuf_free(&name);
    return err;
}

static int build(vocab *v, const alphabet *a, json_t *ids, const char *vocab_path, const char *merges_path,
                 const strbuf *merges, const char *dir)
{
    int err = 0;
    v->size = (int32_t)json_object_size(ids); /* a file of 64 MiB has fewer than 2^31 */
    const char **names = calloc((size_t)v->size + 1, sizeof *names);
    bool *made = calloc((size_t)v->size + 1, sizeof *made);
    if (!names || !made) TRY(FAIL(SDCL_ENOMEM, "no memory for the vocabulary"));
    TRY(collect_names(ids, vocab_path, v->size, names));
    TRY(decode_names(v, a, names));
    TRY(find_bytes(v, a, ids, vocab_path, made));
    TRY(read_merges(v, ids, merges_path, merges, made));
    TRY(special_tokens_load(v, ids, dir));
    for (int role = 0; role < SPECIAL_ROLES; role++) made[v->special[role].id] = true;
    for (int32_t i = 0; i < v->size; i++)
        if (!made[i])
            TRY(FAIL(SDCL_EMODEL, "%s: no line makes \"%s\", token %d of %s", merges_path, names[i], (int)i,
                     vocab_path));
out:
    free(made);
    free(names);
    return err;
}

int vocab_load(vocab *v, const char *dir)
{
    int err = 0;
    json_t *ids = NULL;
    strbuf merges = {0}, vocab_path = {0}, merges_path = {0};
    alphabet a;
    alphabet_init(&a);
    if (dir) {
        strbuf_printf(&vocab_path, "%s/vocab.json", dir);
        strbuf_printf(&merges_path, "%s/merges.txt", dir);
    } else {
        strbuf_puts(&vocab_path, "built-in vocabulary");
        strbuf_puts(&merges_path, "built-in merges");
    }
    if (vocab_path.failed || merges_path.failed) TRY(FAIL(SDCL_ENOMEM, "no memory for a path"));
    if (dir) {
        TRY(text_json_read(vocab_path.s, &ids));
        TRY(text_file_read(merges_path.s, &merges));
    } else {
        TRY(clip_merges_read(&merges));
        TRY(number_clip(&a, merges_path.s, &merges, &ids));
    }
    TRY(build(v, &a, ids, vocab_path.s, merges_path.s, &merges, dir));
out:
    json_decref(ids);
    strbuf_free(&merges);
    strbuf_free(&merges_path);
    strbuf_free(&vocab_path);
    return err;
}

void vocab_free(vocab *v)
{
    for (int role = 0; role < SPECIAL_ROLES; role++) strbuf_free(&v->special[role].text);
    strbuf_free(&v->text);
    free(v->offset);
    bpe_free(&v->merges);
    *v = (vocab){0};
}
