/* SPDX-License-Identifier: MIT */
#include "ocl/config_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = sizeof((config_nearest *)0)->best - 1 };

/* Levenshtein distance without regard to case, one row at a time; b has at most WORD_MAX characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], n = strlen(b);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0]++;
        for (size_t j = 1; j <= n; j++) {
            size_t replaced = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j - 1]));
            size_t moved = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replaced < moved ? replaced : moved;
        }
    }
    return row[n];
}

void config_nearest_try(config_nearest *n, const char *candidate)
{
    size_t length = strlen(n->word), longest = strlen(candidate);
    if (length > WORD_MAX || longest > WORD_MAX) return;
    if (length > longest) longest = length;
    size_t edits = distance(n->word, candidate);
    if (edits > (longest < 6 ? 1 : longest / 3) || (n->best[0] && edits >= n->edits)) return;
    n->edits = edits;
    snprintf(n->best, sizeof n->best, "%s", candidate);
}
