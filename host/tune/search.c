/* SPDX-License-Identifier: MIT */
/* What to try next. First, for every key, what is known to be good: the values in force, the shipped ones. Then keys take turns by the share of a picture's time
 * that they still cost and by how lately a trial has paid. */
#include "tune/tune.h"

#include <string.h>

enum { DRAWS = 64, PATIENCE = 24, FULL_MAX = 1 << 22 };

uint64_t tune_random(tuner *t)
{
    t->random ^= t->random >> 12;
    t->random ^= t->random << 25;
    t->random ^= t->random >> 27;
    return t->random * 0x2545F4914F6CDD1Dull;
}

static int below(tuner *t, int n) { return (int)(tune_random(t) >> 33) % n; }

/* To be tried: not yet done, and nobody else is at it. */
static bool is_new(const tuner *t, const tune_key *k, const candidate *c)
{
    return !trial_of(k, c) && records_claim(t, k, c);
}

/* Configurations that were not searched for: known ones, other implementations as they come, what won for the key's relatives. */
static bool next_known(tuner *t, tune_key *k, candidate *c)
{
    for (int i = 0; i < k->known_count; i++) {
        *c = k->known[i];
        if (is_new(t, k, c)) return true;
    }
    for (int i = 0; i < k->space_count; i++) {
        *c = (candidate){.space = i};
        memcpy(c->pick, k->space[i].now, sizeof c->pick);
        if (is_new(t, k, c)) return true;
    }
    for (int i = 0; i < t->key_count; i++) {
        const tune_key *other = &t->key[i];
        if (other == k || other->check.op != k->check.op || other->check.dt != k->check.dt || other->best < 0) continue;
        if (candidate_like(k, other, &other->trial[other->best].c, c) && is_new(t, k, c)) return true;
    }
    return false;
}

/* One axis away from the best: first the choices beside the present one, then all others; axes in random order. */
static bool next_neighbour(tuner *t, tune_key *k, candidate *c)
{
    if (k->best < 0) return false;
    const candidate *from = &k->trial[k->best].c;
    const space *s = &k->space[from->space];
    int first = s->axes ? below(t, s->axes) : 0;
    for (int far = 0; far < 2; far++)
        for (int n = 0; n < s->axes; n++) {
            int i = (first + n) % s->axes, at = from->pick[i];
            for (int v = 0; v < s->axis[i].count; v++) {
                if (v == at || (!far && v != at - 1 && v != at + 1)) continue;
                *c = *from;
                c->pick[i] = (unsigned char)v;
                if (is_new(t, k, c)) return true;
            }
        }
    return false;
}

/* Two or three axes of the best at once: what a step along one axis cannot reach. */
static bool next_jump(tuner *t, tune_key *k, candidate *c)
{
    if (k->best < 0) return false;
    const candidate *from = &k->trial[k->best].c;
    const space *s = &k->space[from->space];
    for (int n = 0; n < DRAWS && s->axes > 1; n++) {
        *c = *from;
        for (int j = 2 + below(t, 2); j > 0; j--) {
            int i = below(t, s->axes);
            c->pick[i] = (unsigned char)below(t, s->axis[i].count);
        }
        char why[64];
        if (candidate_fits(t, k, c, why, sizeof why) && is_new(t, k, c)) return true;
    }
    return false;
}

static bool next_random(tuner *t, tune_key *k, candidate *c)
{
    for (int n = 0; n < DRAWS; n++) {
        char why[64];
        *c = (candidate){.space = below(t, k->space_count)};
        const space *s = &k->space[c->space];
        for (int i = 0; i < s->axes; i++) c->pick[i] = (unsigned char)below(t, s->axis[i].count);
        if (candidate_fits(t, k, c, why, sizeof why) && is_new(t, k, c)) return true;
    }
    return false;
}

/* The whole product, in order; what does not fit is left out. */
static bool next_of_all(tuner *t, tune_key *k, candidate *c)
{
    char why[64];
    for (int i = 0; i < k->space_count; i++) {
        const space *s = &k->space[i];
        *c = (candidate){.space = i};
        for (int n = 0; n < FULL_MAX; n++) {
            if (candidate_fits(t, k, c, why, sizeof why) && is_new(t, k, c)) return true;
            int a = 0;
            for (; a < s->axes && ++c->pick[a] == s->axis[a].count; a++) c->pick[a] = 0;
            if (a == s->axes) break;
        }
    }
    return false;
}

static bool next_of_key(tuner *t, tune_key *k, candidate *c)
{
    const char *strategy = t->job->strategy ? t->job->strategy : "guided";
    if (next_known(t, k, c)) return true;
    if (!strcmp(strategy, "full")) return next_of_all(t, k, c);
    if (!strcmp(strategy, "random")) return next_random(t, k, c);
    if (k->since_best > PATIENCE) return false;
    return next_neighbour(t, k, c) || next_jump(t, k, c);
}

/* Seconds of a picture that key k takes, as far as is known; before the first trial by its products. */
static double share(const tune_key *k)
{
    double ms = key_ms(k);
    return k->count * (ms > 0 ? ms : 1e-3);
}

bool search_next(tuner *t, tune_key **key, candidate *c)
{
    for (;;) {
        tune_key *best = NULL;
        double most = -1;
        for (int i = 0; i < t->key_count; i++) {
            tune_key *k = &t->key[i];
            if (k->done) continue;
            /* What is known comes first for every key, heaviest first: a run that is cut short is no worse than before, nor than what is shipped. */
            double worth = key_known(k) ? share(k) / (1 + k->since_best) : 1e12 - i;
            if (worth > most) {
                most = worth;
                best = k;
            }
        }
        if (!best) return false;
        if (next_of_key(t, best, c)) {
            *key = best;
            return true;
        }
        best->done = true;
    }
}
