/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "text/tokenizer.h"

#include "base/error.h"
#include "text/normalize.h"
#include "text/utf8.h"
#include "text/vocab.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4 << 20 };

/* CLIP's words, for text whose white space is single spaces. */
static const char split_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d|\\p{L}++|\\p{N}|[^ \\p{L}\\p{N}]++";

struct tokenizer {
    vocab vocab;
    pcre2_code *split;
};

int tokenizer_open(tokenizer **t, const char *dir)
{
    int err = 0, code;
    PCRE2_SIZE at;
    *t = calloc(1, sizeof **t);
    if (!*t) return FAIL(SDCL_ENOMEM, "no memory for a tokenizer");
    (*t)->split = pcre2_compile((PCRE2_SPTR)split_pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code, &at,
                                NULL);
    if (!(*t)->split)
        TRY(FAIL(SDCL_EINTERNAL, "the tokenizer's pattern does not compile (PCRE2: %d at %zu)", code, at));
    pcre2_jit_compile((*t)->split, PCRE2_JIT_COMPLETE); /* where there is no JIT the interpreter runs */
    TRY(vocab_load(&(*t)->vocab, dir));
out:
    if (err) tokenizer_close(t);
    return err;
}

void tokenizer_close(tokenizer **t)
{
    if (!*t) return;
    pcre2_code_free((*t)->split);
    vocab_free(&(*t)->vocab);
    free(*t);
    *t = NULL;
}

int tokenizer_size(const tokenizer *t) { return t->vocab.size; }
int tokenizer_start(const tokenizer *t) { return t->vocab.special[SPECIAL_START].id; }
int tokenizer_end(const tokenizer *t) { return t->vocab.special[SPECIAL_END].id; }
int tokenizer_pad(const tokenizer *t) { return t->vocab.special[SPECIAL_PAD].id; }

/* --- text to ids -------------------------------------------------------------------------------------------------- */

typedef struct id_list { /* has room for one id per byte of the normalised text, which is always enough */
    int32_t *ids;
    size_t n;
} id_list;

static int add_word(const tokenizer *t, const char *word, size_t n, id_list *out)
{
    int32_t *ids = out->ids + out->n;
    for (size_t i = 0; i < n; i++) ids[i] = (i + 1 < n ? t->vocab.inner : t->vocab.last)[(unsigned char)word[i]];
    int err = bpe_merge(t->vocab.merges, ids, &n);
    out->n += n;
    return err;
}

/* text: without special tokens. */
static int add_words(const tokenizer *t, const char *text, size_t n, pcre2_match_data *match, id_list *out)
{
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(match);
    for (size_t at = 0; at < n; at = span[1]) {
        int found = pcre2_match(t->split, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK, match, NULL);
        if (found == PCRE2_ERROR_NOMATCH) break;
        if (found < 0)
            return FAIL(found == PCRE2_ERROR_NOMEMORY ? SDCL_ENOMEM : SDCL_EINTERNAL,
                        "cannot split the text (PCRE2: %d)", found);
        int err = add_word(t, text + span[0], span[1] - span[0], out);
        if (err) return err;
    }
    return 0;
}

/* The longest special token that text starts with, or NULL. */
static const special_token *special_at(const tokenizer *t, const char *text, size_t n)
{
    const special_token *best = NULL;
    for (const special_token *s = t->vocab.special; s < t->vocab.special + SPECIAL_ROLES; s++) {
        if (s->text.n > n || memcmp(s->text.s, text, s->text.n)) continue;
        if (!best || s->text.n > best->text.n) best = s;
    }
    return best;
}

/* text: normalised. */
static int add_text(const tokenizer *t, const char *text, size_t n, pcre2_match_data *match, id_list *out)
{
    int err = 0;
    size_t begin = 0;
    for (size_t i = 0; i < n;) {
        const special_token *s = special_at(t, text + i, n - i);
        if (!s) {
            i++;
            continue;
        }
        TRY(add_words(t, text + begin, i - begin, match, out));
        out->ids[out->n++] = s->id;
        begin = i += s->text.n;
    }
    TRY(add_words(t, text + begin, n - begin, match, out));
out:
    return err;
}

int tokenizer_encode(const tokenizer *t, const char *text, int32_t **ids, int *n)
{
    int err = 0;
    size_t bytes = strlen(text);
    strbuf normal = {0};
    id_list out = {0};
    pcre2_match_data *match = NULL;
    *ids = NULL;
    *n = 0;
    if (bytes > TEXT_MAX) TRY(FAIL(SDCL_EUSAGE, "a text of %zu bytes; at most %d are taken", bytes, TEXT_MAX));
    TRY(text_normalize(text, bytes, &normal));
    out.ids = calloc(normal.n + 1, sizeof *out.ids);
    match = pcre2_match_data_create(1, NULL);
    if (!out.ids || !match) TRY(FAIL(SDCL_ENOMEM, "no memory for the tokens of a text of %zu bytes", bytes));
    TRY(add_text(t, strbuf_text(&normal), normal.n, match, &out));
    *ids = out.ids;
    *n = (int)out.n;
    out.ids = NULL;
out:
    free(out.ids);
    pcre2_match_data_free(match);
    strbuf_free(&normal);
    return err;
}

int tokenizer_encode_padded(const tokenizer *t, const char *text, int32_t *out, int length, strbuf *lost)
{
    int err = 0, n = 0;
    int32_t *ids = NULL;
    if (length < 2) TRY(FAIL(SDCL_EINTERNAL, "%d tokens have no room for start and end", length));
    TRY(tokenizer_encode(t, text, &ids, &n));
    int kept = n < length - 2 ? n : length - 2;
    out[0] = tokenizer_start(t);
    if (kept) memcpy(out + 1, ids, (size_t)kept * sizeof *ids);
    out[kept + 1] = tokenizer_end(t);
    for (int i = kept + 2; i < length; i++) out[i] = tokenizer_pad(t);
    if (lost) TRY(tokenizer_decode(t, ids + kept, n - kept, lost));
out:
    free(ids);
    return err;
}

/* --- ids to text -------------------------------------------------------------------------------------------------- */

/* What Python's str.strip removes. */
static bool is_stripped(int32_t c) { return utf8_is_space(c) || (c >= 0x1C && c <= 0x1F); }

/* Appends bytes, stripped at both ends, with U+FFFD for what is not UTF-8. */
static void add_stripped(strbuf *text, const char *bytes, size_t n)
{
    size_t kept = text->n;
    bool valid, begun = false;
    for (size_t i = 0, length; i < n; i += length) {
        length = utf8_span(bytes + i, n - i, &valid);
        bool white = valid && is_stripped(utf8_code_point(bytes + i, length));
        if (white && !begun) continue;
        begun = true;
        if (valid) strbuf_add(text, bytes + i, length);
        else strbuf_puts(text, "\xEF\xBF\xBD");
        if (!white) kept = text->n;
    }
    if (text->s && !text->failed) text->s[text->n = kept] = 0;
}

int tokenizer_decode(const tokenizer *t, const int32_t *ids, int n, strbuf *text)
{
    int err = 0;
    strbuf bytes = {0};
    const vocab *v = &t->vocab;
    for (int i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= v->size)
            TRY(FAIL(SDCL_EINTERNAL, "there is no token %d; ids are 0 .. %d", (int)ids[i], (int)v->size - 1));
        strbuf_add(&bytes, v->text.s + v->offset[ids[i]], v->offset[ids[i] + 1] - v->offset[ids[i]]);
    }
    add_stripped(text, strbuf_text(&bytes), bytes.n);
    if (bytes.failed || text->failed) TRY(FAIL(SDCL_ENOMEM, "no memory for the text of %d tokens", n));
out:
    strbuf_free(&bytes);
    return err;
}
