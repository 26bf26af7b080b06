/* SPDX-License-Identifier: MIT */
#ifndef SDCL_TEXT_VOCAB_H
#define SDCL_TEXT_VOCAB_H

#include "base/strbuf.h"
#include "text/bpe.h"

/* A token that has its id wherever its text stands, also within a word. */
typedef struct special_token {
    strbuf text; /* normalised, as it is searched for; owned */
    int32_t id;
} special_token;

enum special_role { SPECIAL_START, SPECIAL_END, SPECIAL_PAD, SPECIAL_UNKNOWN, SPECIAL_ROLES };

/* Every token is the symbol of a byte, the product of a merge or special, and ids are 0 .. size-1: vocab_load refuses
 * anything else. */
typedef struct vocab {
    int32_t size;
    strbuf text;                   /* what the tokens decode to, one after the other; the end of a word is a space */
    size_t *offset;                /* size + 1, owned: token i is text[offset[i] .. offset[i+1]) */
    int32_t inner[256], last[256]; /* symbol of a byte within a word and as the last of one */
    bpe *merges;
    special_token special[SPECIAL_ROLES];
} vocab;

/* dir: folder with vocab.json and merges.txt; NULL: the built-in vocabulary. v must be zero; vocab_free it also after
 * a failure. */
int vocab_load(vocab *v, const char *dir);
void vocab_free(vocab *v);

#endif
