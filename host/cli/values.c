/* SPDX-License-Identifier: MIT */
#include "cli/values.h"

#include "cli/message.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool value_int(const char *s, int min, int max, int *v)
{
    const char *digits = s + (*s == '-');
    if (!isdigit((unsigned char)*digits)) return false;
    char *end;
    errno = 0;
    long n = strtol(s, &end, 10);
    if (errno || *end || n < min || n > max) return false;
    *v = (int)n;
    return true;
}

bool value_real(const char *s, double min, double max, double *v)
{
    if (!*s || s[strspn(s, "0123456789.eE+-")]) return false; /* no hexadecimal, no "nan", no blanks */
    char *end;
    double x = strtod(s, &end);
    if (*end || !isfinite(x) || x < min || x > max) return false;
    *v = x;
    return true;
}

/* A decimal number at *s, and *s moved behind it. */
static bool seed_at(const char **s, uint64_t *v)
{
    if (!isdigit((unsigned char)**s)) return false;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(*s, &end, 10);
    if (errno) return false;
    *s = end;
    *v = n;
    return true;
}

int value_seeds(const char *s, uint64_t **seeds, int *count)
{
    const char *given = s;
    uint64_t *list = NULL;
    int n = 0, err;
    if (!strcmp(s, "-1")) goto done;
    list = calloc(SEEDS_MAX, sizeof *list);
    if (!list) return cli_fail(SDCL_ENOMEM, "no memory for the seeds");
    for (;; s++) {
        uint64_t first, last;
        if (!seed_at(&s, &first)) goto malformed;
        last = first;
        if (*s == '-' && (s++, !seed_at(&s, &last) || last < first)) goto malformed;
        if (last - first >= (uint64_t)(SEEDS_MAX - n)) {
            err = cli_fail(SDCL_EUSAGE, "--seed %.60s: more than %d seeds", given, SEEDS_MAX);
            goto refused;
        }
        for (uint64_t k = 0; k <= last - first; k++) list[n++] = first + k;
        if (!*s) break;
        if (*s != ',') goto malformed;
    }
done:
    free(*seeds);
    *seeds = list;
    *count = n;
    return 0;
malformed:
    err = cli_fail(SDCL_EUSAGE, "--seed %.60s: not a seed or a list of seeds", given);
    cli_hint("seeds are 0 to 18446744073709551615, as in --seed 42 or --seed 1,5,10-20; -1 draws one");
refused:
    free(list);
    return err;
}

bool value_in_list(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (size_t k; *list; list += k + (list[k] == '|')) {
        k = strcspn(list, "|");
        if (k == n && !memcmp(list, word, n)) return true;
    }
    return false;
}

bool value_time(const char *s, double *seconds)
{
    char number[32];
    size_t n = strlen(s);
    double unit = 1, v;
    if (!n || n >= sizeof number) return false;
    switch (s[n - 1]) {
    case 's': n--; break;
    case 'm': unit = 60, n--; break;
    case 'h': unit = 3600, n--; break;
    default: break;
    }
    memcpy(number, s, n);
    number[n] = 0;
    if (!value_real(number, 0, 7 * 86400 / unit, &v)) return false;
    *seconds = v * unit;
    return true;
}
