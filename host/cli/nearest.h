/* SPDX-License-Identifier: MIT */
/* "Did you mean": the candidate with the fewest edits from a mistyped word. */
#ifndef SDCL_CLI_NEAREST_H
#define SDCL_CLI_NEAREST_H

#include <stddef.h>

typedef struct nearest {
    const char *word;
    char best[32];
    size_t distance;
} nearest;

void nearest_begin(nearest *n, const char *word);
void nearest_try(nearest *n, const char *candidate);
/* Tries every word of "a|b|c". */
void nearest_try_list(nearest *n, const char *list);
/* NULL: nothing is near enough to be meant. */
const char *nearest_word(const nearest *n);

#endif
