/* SPDX-License-Identifier: MIT */
/* CLIP's byte-level BPE, as transformers' CLIPTokenizerFast does it: NFC, white space runs to one space, lower case, split, merge. */
#ifndef SDCL_TEXT_TOKENIZER_H
#define SDCL_TEXT_TOKENIZER_H

#include "base/strbuf.h"

#include <stdint.h>

typedef struct tokenizer tokenizer;

/* dir: folder with vocab.json and merges.txt (and special tokens from tokenizer_config.json / special_tokens_map.json); NULL: the built-in
 * CLIP vocabulary of 49408 tokens. A malformed file is SDCL_EMODEL. */
int tokenizer_open(tokenizer **t, const char *dir);
void tokenizer_close(tokenizer **t);

int tokenizer_size(const tokenizer *t);  /* ids are 0 .. size-1 */
int tokenizer_start(const tokenizer *t);
int tokenizer_end(const tokenizer *t);
int tokenizer_pad(const tokenizer *t);

/* The ids of text without start, end and padding: *ids is malloc'ed, *n its length. Special tokens written in the text become their ids.
 * Invalid UTF-8 is SDCL_EUSAGE. */
int tokenizer_encode(const tokenizer *t, const char *text, int32_t **ids, int *n);

/* As the pipeline feeds a prompt: start, ids cut to length - 2, end, padding up to length. lost (may be NULL) receives the decoded text
 * that was cut off, empty if none. */
int tokenizer_encode_padded(const tokenizer *t, const char *text, int32_t *out, int length, strbuf *lost);

/* The text of ids, as the tokenizer would decode them. */
int tokenizer_decode(const tokenizer *t, const int32_t *ids, int n, strbuf *text);

#endif
