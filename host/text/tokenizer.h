/* SPDX-License-Identifier: MIT */
/* CLIP's byte-level BPE, as transformers' CLIPTokenizerFast does it: NFC, white space runs to one space, lower case,
 * split into words, merge. A tokenizer may be used from several threads. */
#ifndef SDCL_TEXT_TOKENIZER_H
#define SDCL_TEXT_TOKENIZER_H

#include "base/strbuf.h"

#include <stdint.h>

typedef struct tokenizer tokenizer;

/* dir: folder with vocab.json and merges.txt (and special tokens from tokenizer_config.json / special_tokens_map.json);
 * NULL: the built-in CLIP vocabulary of 49408 tokens. A malformed file is SDCL_EMODEL and the message names file and,
 * where there is one, line. */
int tokenizer_open(tokenizer **t, const char *dir);
void tokenizer_close(tokenizer **t);

int tokenizer_size(const tokenizer *t); /* ids are 0 .. size-1 */
int tokenizer_start(const tokenizer *t);
int tokenizer_end(const tokenizer *t);
int tokenizer_pad(const tokenizer *t);

/* The ids of text without start, end and padding: *ids is malloc'ed, *n its length. Special tokens written in the text
 * become their ids; they are looked for after lower-casing, so <|ENDOFTEXT|> is one too. Invalid UTF-8, and more than
 * 4 MiB, are SDCL_EUSAGE. */
int tokenizer_encode(const tokenizer *t, const char *text, int32_t **ids, int *n);

/* As the pipeline feeds a prompt: start, ids cut to length - 2, end, padding up to length. lost (may be NULL) receives
 * the decoded text that was cut off, empty if none. */
int tokenizer_encode_padded(const tokenizer *t, const char *text, int32_t *out, int length, strbuf *lost);

/* Appends the text of ids: lower case, a space after each word, none at the ends; U+FFFD for parts of characters. */
int tokenizer_decode(const tokenizer *t, const int32_t *ids, int n, strbuf *text);

#endif
