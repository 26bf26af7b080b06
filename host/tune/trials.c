/* SPDX-License-Identifier: MIT */
/* What was measured of a key, and which of it is the best. */
#include "tune/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const trial *trial_of(const tune_key *k, const candidate *c)
{
    for (int i = 0; i < k->trial_count; i++)
        if (candidate_same(k, &k->trial[i].c, c)) return &k->trial[i];
    return NULL;
}

double key_known_ms(const tune_key *k, int which)
{
    const trial *t = which < k->known_count ? trial_of(k, &k->known[which]) : NULL;
    return t && t->ok ? t->min_ms : 0;
}

double key_first_ms(const tune_key *k) { return key_known_ms(k, 0); }

bool key_known(const tune_key *k)
{
    for (int i = 0; i < k->known_count; i++)
        if (!trial_of(k, &k->known[i])) return false;
    return true;
}

double key_ms(const tune_key *k) { return k->best >= 0 ? k->trial[k->best].min_ms : 0; }

trial *key_add(tune_key *k, const trial *one)
{
    if (k->trial_count == k->trial_capacity) {
        int capacity = k->trial_capacity ? k->trial_capacity * 2 : 32;
        trial *longer = realloc(k->trial, (size_t)capacity * sizeof *longer);
        if (!longer) return NULL;
        k->trial = longer;
        k->trial_capacity = capacity;
    }
    trial *added = &k->trial[k->trial_count++];
    *added = *one;
    if (added->ok && (k->best < 0 || added->min_ms < ENOUGH * k->trial[k->best].min_ms)) k->best = k->trial_count - 1;
    return added;
}

void key_reject(tune_key *k, const trial *one, const char *why)
{
    trial *wrong = &k->trial[one - k->trial];
    wrong->ok = false;
    memmove(wrong->why, why, strnlen(why, sizeof wrong->why - 1) + 1);
    wrong->why[sizeof wrong->why - 1] = 0;
    k->best = -1;
    for (int i = 0; i < k->trial_count; i++)
        if (k->trial[i].ok && (k->best < 0 || k->trial[i].min_ms < ENOUGH * k->trial[k->best].min_ms)) k->best = i;
}

/* --- values that all keys of a group share --- */

static bool has_shared(const space *s)
{
    for (int i = 0; i < s->axes; i++)
        if (s->axis[i].shared) return true;
    return false;
}

static bool same_shared(const tune_key *k, const candidate *c, const tune_key *other, const candidate *d)
{
    const space *s = &k->space[c->space];
    candidate like;
    if (c->space != d->space || !candidate_like(k, other, d, &like)) return false;
    for (int i = 0; i < s->axes; i++)
        if (s->axis[i].shared && c->pick[i] != like.pick[i]) return false;
    return true;
}

/* The fastest trial of a key among those without shared values and those that share what trial `with` of key `other` has; with NULL: the former alone. */
static int best_with(const tune_key *k, const tune_key *other, const candidate *with)
{
    int best = -1;
    for (int i = 0; i < k->trial_count; i++) {
        const trial *one = &k->trial[i];
        if (!one->ok || (best >= 0 && one->min_ms >= ENOUGH * k->trial[best].min_ms)) continue;
        if (!has_shared(&k->space[one->c.space]) || (with && same_shared(k, &one->c, other, with))) best = i;
    }
    return best;
}

/* Milliseconds a picture of a group whose keys share these values. */
static double group_with(const tuner *t, const tune_group *g, const tune_key *other, const candidate *with)
{
    double sum = 0;
    for (int i = 0; i < g->count; i++) {
        const tune_key *k = &t->key[g->key[i]];
        int best = best_with(k, other, with);
        /* A key that ran with nothing yet speaks neither for nor against. */
        if (best < 0 && k->best >= 0) return INFINITY;
        if (best >= 0) sum += k->count * k->trial[best].min_ms;
    }
    return sum;
}

void group_settle(tuner *t, tune_group *g)
{
    enum { SEEN_MAX = 256 };
    struct {
        const tune_key *key;
        const candidate *c;
    } seen[SEEN_MAX] = {{NULL, NULL}}; /* sets of shared values; the first: none */
    int count = 1, best = 0;
    double least = group_with(t, g, NULL, NULL);
    for (int i = 0; i < g->count; i++) {
        const tune_key *k = &t->key[g->key[i]];
        for (int j = 0; j < k->trial_count && count < SEEN_MAX; j++) {
            const trial *one = &k->trial[j];
            int n = 1;
            if (!one->ok || !has_shared(&k->space[one->c.space])) continue;
            while (n < count && !same_shared(seen[n].key, seen[n].c, k, &one->c)) n++;
            if (n < count) continue;
            seen[count].key = k;
            seen[count].c = &one->c;
            double sum = group_with(t, g, k, &one->c);
            if (sum < ENOUGH * least) {
                least = sum;
                best = count;
            }
            count++;
        }
    }
    for (int i = 0; count > 1 && isfinite(least) && i < g->count; i++) {
        tune_key *k = &t->key[g->key[i]];
        k->best = best_with(k, seen[best].key, seen[best].c);
    }
}
