/* SPDX-License-Identifier: MIT */
#include "cli/nearest.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = sizeof((nearest *)0)->best };

/* Levenshtein distance, one row at a time. */
static size_t edits(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], n = strlen(b);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[n];
}

void nearest_begin(nearest *n, const char *word) { *n = (nearest){.word = word, .distance = WORD_MAX}; }

void nearest_try(nearest *n, const char *candidate)
{
    size_t length = strlen(n->word);
    if (length >= WORD_MAX || strlen(candidate) >= WORD_MAX) return;
    size_t d = edits(n->word, candidate);
    if (length >= 3 && !strncmp(n->word, candidate, length)) d = 1;
    if (d >= n->distance) return;
    n->distance = d;
    snprintf(n->best, sizeof n->best, "%s", candidate);
}

void nearest_try_list(nearest *n, const char *list)
{
    char word[WORD_MAX];
    for (size_t k; *list; list += k + (list[k] == '|')) {
        k = strcspn(list, "|");
        snprintf(word, sizeof word, "%.*s", (int)k, list);
        nearest_try(n, word);
    }
}

const char *nearest_word(const nearest *n)
{
    size_t limit = strlen(n->word) / 3;
    return n->best[0] && n->distance <= (limit > 2 ? limit : limit ? 2 : 1) ? n->best : NULL;
}
