/* SPDX-License-Identifier: MIT */
/* Values of options, strictly: the whole word, decimal, in range; nothing is skipped, rounded or clamped. */
#ifndef SDCL_CLI_VALUES_H
#define SDCL_CLI_VALUES_H

#include <stdbool.h>
#include <stdint.h>

enum { SEEDS_MAX = 10000 };

bool value_int(const char *s, int min, int max, int *v);
bool value_real(const char *s, double min, double max, double *v);
/* "90", "90s", "10m", "1.5h" in seconds, 0 to a week. */
bool value_time(const char *s, double *seconds);
/* "5", "1,5,10-20": 1 to SEEDS_MAX seeds of 0 .. 2^64-1. "-1": *count = 0, to be drawn. *seeds (owned by the caller) is replaced.
 * SDCL_EUSAGE. */
int value_seeds(const char *s, uint64_t **seeds, int *count);
/* Is word one of "a|b|c"? */
bool value_in_list(const char *list, const char *word);

#endif
