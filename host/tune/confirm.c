/* SPDX-License-Identifier: MIT */
/* The best of many measurements is partly luck. What won is measured once more, beside what is known to be good, and values of a key's own have to be
 * worth it: every set of values is a kernel that has to be compiled and loaded. */
#include "tune/tune.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2, WAYS = 3, FOUND = 0, FIRST = 1, SHIPPED = 2 };

#define WORTH 0.98         /* of a key's known time: own values are at most that */
#define WORTH_PICTURE 2e-4 /* of a picture's time: what own values of a key save at least */

typedef struct again {
    tune_key *key;
    double gain;     /* milliseconds a picture, by the search */
    double ms[WAYS]; /* least; 0: not measured, or wrong */
    char why[sizeof(trial){0}.why];
} again;

typedef struct pass {
    again *list; /* of a batch's first key */
    int way;
    tune_key *const *key; /* of the batch */
} pass;

static int by_gain(const void *a, const void *b)
{
    const again *x = a, *y = b;
    return x->gain > y->gain ? -1 : x->gain < y->gain;
}

/* Which known configuration serves where nothing better is found: the shipped one, unless that in force is faster. 0: none was right. */
static int known_of(double first, double shipped) { return shipped > 0 && !(first > 0 && first < WORTH * shipped); }

static double known_ms(const tune_key *k)
{
    double first = key_known_ms(k, 0), shipped = key_known_ms(k, 1);
    return known_of(first, shipped) ? shipped : first;
}

static void give_way(tune_key *k, double first, double shipped)
{
    const trial *known = trial_of(k, &k->known[known_of(first, shipped)]);
    if (known && known->ok) k->best = (int)(known - k->trial);
}

static bool note(void *user, int i, const trial *one)
{
    pass *p = user;
    again *a = p->list;
    while (a->key != p->key[i]) a++;
    double *ms = &a->ms[p->way];
    if (one->ok && (!(*ms > 0) || one->min_ms < *ms)) *ms = one->min_ms;
    if (!one->ok && p->way == FOUND) snprintf(a->why, sizeof a->why, "%s", one->why);
    return true;
}

/* Measures keys from..from + n one way. */
static int measure(tuner *t, again *list, int n, int way, const char *file, double end)
{
    batch b = {.kind = way == FOUND ? BATCH_FILE : way == FIRST ? BATCH_IN_FORCE : BATCH_SHIPPED, .file = file};
    pass p = {.list = list, .way = way, .key = b.key};
    for (int i = 0; i < n; i++) {
        tune_key *k = list[i].key;
        if (way == SHIPPED && k->known_count < 2) continue;
        b.c[b.count] = way == FOUND ? k->trial[k->best].c : k->known[way - FIRST];
        b.key[b.count++] = k;
    }
    return batch_run(t, &b, end, note, &p);
}

static int decide(tuner *t, again *a, double picture)
{
    int err = 0;
    tune_key *k = a->key;
    trial *best = &k->trial[k->best];
    double known = known_of(a->ms[FIRST], a->ms[SHIPPED]) ? a->ms[SHIPPED] : a->ms[FIRST];
    if (*a->why) {
        key_reject(k, best, a->why);
        t->rejected++;
        err = records_append(t, k, best);
    }
    /* Nothing else is right: the best stays. */
    else if (!(known > 0))
        return 0;
    if (*a->why || !(a->ms[FOUND] > 0) || a->ms[FOUND] > WORTH * known ||
        k->count * (known - a->ms[FOUND]) < WORTH_PICTURE * picture)
        give_way(k, a->ms[FIRST], a->ms[SHIPPED]);
    return err;
}

int confirm_run(tuner *t, const char *file)
{
    int err = 0, n = 0;
    double picture = 0, end = seconds_now() + fmax(t->job->budget / 4, 10);
    again *list = calloc((size_t)t->key_count + 1, sizeof *list);
    if (!list) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < t->key_count; i++) picture += t->key[i].count * key_ms(&t->key[i]);
    for (int i = 0; i < t->key_count; i++) {
        tune_key *k = &t->key[i];
        double known = known_ms(k);
        if (k->best < 0) continue;
        if (known > 0 && k->count * (known - key_ms(k)) < WORTH_PICTURE * picture)
            give_way(k, key_known_ms(k, 0), key_known_ms(k, 1));
        else if (&k->trial[k->best] != trial_of(k, &k->known[0]) && &k->trial[k->best] != trial_of(k, &k->known[1]))
            list[n++] = (again){.key = k, .gain = known > 0 ? k->count * (known - key_ms(k)) : INFINITY};
    }
    qsort(list, (size_t)n, sizeof *list, by_gain);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < n; i += KEYS_AT_ONCE)
            for (int way = 0; way < WAYS; way++)
                TRY(measure(t, list + i, n - i < KEYS_AT_ONCE ? n - i : KEYS_AT_ONCE, way, file, end));
    for (int i = 0; i < n; i++) TRY(decide(t, &list[i], picture));
out:
    free(list);
    return err;
}
