/* SPDX-License-Identifier: MIT */
/* What to try next. First all keys with what is known to be good, the values in force and the shipped ones, many keys a process: then it is known where the
 * time goes, and a run that is cut short is no worse than either. Then every implementation as it comes, each given up for a group where the heaviest key is
 * far slower with it. Then groups take turns by the share of a picture's time that they still cost and by how lately a trial has paid. */
#include "tune/tune.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 64, DRAWS_OF_A_SET = 1 << 18, PATIENCE = 24, FULL_MAX = 1 << 22 };

#define HOPELESS 2.5 /* times the best: an implementation that is not looked at again */
#define GIVE_UP 1.5  /* times the best: a candidate that is timed once */
/* Of a group's time: the keys that a candidate is tried with, and those that a winner of another key is tried with. */
#define SHARE_TRIED 0.85
#define SHARE_SEARCHED 0.95

/* --- groups --- */

static tune_group *group_of(tuner *t, const tune_key *k)
{
    for (int i = 0; i < t->group_count; i++)
        if (t->group[i].op == k->check.op && t->group[i].dt == k->check.dt) return &t->group[i];
    return NULL;
}

int groups_open(tuner *t)
{
    t->group = calloc((size_t)t->key_count + 1, sizeof *t->group);
    if (!t->group) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < t->key_count; i++) {
        tune_group *g = group_of(t, &t->key[i]);
        if (!g) {
            g = &t->group[t->group_count++];
            *g = (tune_group){.op = t->key[i].check.op, .dt = t->key[i].check.dt};
            g->key = calloc((size_t)t->key_count, sizeof *g->key);
            if (!g->key) return FAIL(SDCL_ENOMEM, "out of memory");
        }
        g->key[g->count++] = i;
    }
    return 0;
}

void groups_free(tuner *t)
{
    for (int i = 0; i < t->group_count; i++) free(t->group[i].key);
    free(t->group);
    t->group = NULL;
    t->group_count = 0;
}

/* Milliseconds of a picture that key k takes; one a step where nothing has run yet. */
static double share(const tune_key *k) { return k->count * (k->best >= 0 ? key_ms(k) : 1); }

double group_share(const tuner *t, const tune_group *g)
{
    double sum = 0;
    for (int i = 0; i < g->count; i++) sum += share(&t->key[g->key[i]]);
    return sum;
}

/* Keys by what they cost now. */
static void sort_group(const tuner *t, tune_group *g)
{
    for (int i = 1; i < g->count; i++)
        for (int j = i; j > 0 && share(&t->key[g->key[j]]) > share(&t->key[g->key[j - 1]]); j--) {
            int k = g->key[j];
            g->key[j] = g->key[j - 1];
            g->key[j - 1] = k;
        }
}

/* --- batches --- */

uint64_t tune_random(tuner *t)
{
    t->random ^= t->random >> 12;
    t->random ^= t->random << 25;
    t->random ^= t->random >> 27;
    return t->random * 0x2545F4914F6CDD1Dull;
}

static int below(tuner *t, int n) { return (int)((tune_random(t) >> 33) % (uint64_t)n); }

/* To be tried: not yet done, by this name or another, and nobody else is at it. */
static bool is_new(tuner *t, tune_key *k, const candidate *c)
{
    return !candidate_ran(t, k, c) && records_claim(t, k, c);
}

static void add(batch *b, tune_key *k, const candidate *c)
{
    b->key[b->count] = k;
    b->c[b->count++] = *c;
}

static int room(const tuner *t, const batch *b)
{
    int tries = t->job->tries ? t->job->tries - t->tried : KEYS_AT_ONCE;
    return (tries < KEYS_AT_ONCE ? tries : KEYS_AT_ONCE) - b->count;
}

/* The keys that are still to be measured with a known configuration. *waits: others are at some. */
static bool known_batch(tuner *t, batch *b, int which, bool *waits)
{
    *b = (batch){.kind = which ? BATCH_SHIPPED : BATCH_IN_FORCE};
    for (int i = 0; i < t->key_count && room(t, b) > 0; i++) {
        tune_key *k = &t->key[i];
        if (which >= k->known_count || trial_of(k, &k->known[which])) continue;
        if (records_claim(t, k, &k->known[which])) add(b, k, &k->known[which]);
        else *waits = true;
    }
    return b->count > 0;
}

/* Candidate c of key `lead` and the keys of its group that have not run with it: those that cost most, or all that there is room for. */
static void candidate_batch(tuner *t, tune_group *g, tune_key *lead, const candidate *c, double give_up, bool all,
                            batch *b)
{
    char why[64];
    candidate like;
    double covered = share(lead), total = group_share(t, g);
    *b = (batch){.kind = BATCH_CANDIDATE, .give_up = give_up, .lead = true, .group = g};
    add(b, lead, c);
    for (int i = 0; i < g->count && room(t, b) > 0 && (all || covered < SHARE_TRIED * total); i++) {
        tune_key *k = &t->key[g->key[i]];
        if (k == lead || !candidate_like(k, lead, c, &like)) continue;
        covered += share(k);
        if (candidate_fits(t, k, &like, why, sizeof why) && is_new(t, k, &like)) add(b, k, &like);
    }
}

/* --- implementations as they come --- */

/* Was a space tried, and found far slower than the best, or wrong, wherever it ran? */
static bool is_hopeless(const tuner *t, const tune_group *g, int space)
{
    bool tried = false;
    for (int i = 0; i < g->count; i++) {
        const tune_key *k = &t->key[g->key[i]];
        for (int j = 0; j < k->trial_count; j++) {
            const trial *one = &k->trial[j];
            if (one->c.space != space || !k->space[space].fits) continue;
            tried = true;
            if (one->ok && one->min_ms < HOPELESS * key_ms(k)) return false;
        }
    }
    return tried;
}

/* Can a key of the group run in a space? One in which none can is on record once, with the reason. */
static bool fits_any(const tuner *t, const tune_group *g, int space, bool *recorded)
{
    bool fits = false;
    *recorded = t->key[g->key[0]].space[space].excluded;
    for (int i = 0; i < g->count; i++) {
        const tune_key *k = &t->key[g->key[i]];
        fits = fits || (k->space[space].fits && !k->space[space].excluded);
        for (int j = 0; j < k->trial_count; j++) *recorded = *recorded || k->trial[j].c.space == space;
    }
    return fits;
}

static bool next_implementation(tuner *t, tune_group *g, batch *b)
{
    for (int s = 0; s < t->key[g->key[0]].space_count; s++) {
        bool recorded, fits = fits_any(t, g, s, &recorded);
        for (int shipped = 1; shipped >= 0 && (fits || !recorded); shipped--)
            for (int i = 0; i < g->count && !is_hopeless(t, g, s); i++) {
                tune_key *k = &t->key[g->key[i]];
                candidate c = {.space = s};
                memcpy(c.pick, shipped ? k->space[s].shipped : k->space[s].now, sizeof c.pick);
                if (k->space[s].fits == fits && is_new(t, k, &c)) {
                    candidate_batch(t, g, k, &c, HOPELESS, true, b);
                    return true;
                }
            }
    }
    return false;
}

/* --- the neighbourhood of the best --- */

/* A key of a group, each as likely as it is heavy. */
static tune_key *draw_key(tuner *t, const tune_group *g)
{
    double at = (double)(tune_random(t) >> 11) * 0x1p-53 * group_share(t, g);
    for (int i = 0; i < g->count; i++) {
        tune_key *k = &t->key[g->key[i]];
        at -= share(k);
        if (at < 0 && k->best >= 0) return k;
    }
    for (int i = 0; i < g->count; i++)
        if (t->key[g->key[i]].best >= 0) return &t->key[g->key[i]];
    return NULL;
}

/* How many of a sorted group's keys are worth a search. */
static int heavy_keys(const tuner *t, const tune_group *g)
{
    int n = 0;
    double covered = 0, total = group_share(t, g);
    while (n < g->count && covered < SHARE_SEARCHED * total) covered += share(&t->key[g->key[n++]]);
    return n;
}

/* What won for one key, with those that did not run with it. */
static bool next_winner(tuner *t, tune_group *g, batch *b)
{
    int heavy = heavy_keys(t, g);
    for (int i = 0; i < heavy; i++) {
        const tune_key *winner = &t->key[g->key[i]];
        candidate c;
        if (winner->best < 0 || candidate_same(winner, &winner->trial[winner->best].c, &winner->known[0])) continue;
        for (int j = 0; j < heavy; j++) {
            tune_key *k = &t->key[g->key[j]];
            char why[64];
            if (k != winner && candidate_like(k, winner, &winner->trial[winner->best].c, &c) &&
                candidate_fits(t, k, &c, why, sizeof why) && is_new(t, k, &c)) {
                candidate_batch(t, g, k, &c, GIVE_UP, false, b);
                b->lead = false; /* each for itself: it has won somewhere */
                return true;
            }
        }
    }
    return false;
}

/* One axis away from the best: first the choices beside the present one, then all others; axes in random order. */
static bool next_neighbour(tuner *t, tune_key *k, candidate *c)
{
    const candidate *from = &k->trial[k->best].c;
    const space *s = &k->space[from->space];
    char why[64];
    int first = s->axes ? below(t, s->axes) : 0;
    for (int far = 0; far < 2; far++)
        for (int n = 0; n < s->axes; n++) {
            int i = (first + n) % s->axes, at = from->pick[i];
            for (int v = 0; v < s->axis[i].count && !s->axis[i].pinned; v++) {
                if (v == at || (!far && v != at - 1 && v != at + 1)) continue;
                *c = *from;
                c->pick[i] = (unsigned char)v;
                /* Half a set of shared values is no candidate; others that do not fit are recorded, so that a reader sees why. */
                if (s->axis[i].shared && !candidate_fits(t, k, c, why, sizeof why)) continue;
                if (is_new(t, k, c)) return true;
            }
        }
    return false;
}

/* Two or three axes of the best at once: what a step along one axis cannot reach. */
static bool next_jump(tuner *t, tune_key *k, candidate *c)
{
    const candidate *from = &k->trial[k->best].c;
    const space *s = &k->space[from->space];
    for (int n = 0; n < DRAWS && s->axes > 1; n++) {
        *c = *from;
        for (int j = 2 + below(t, 2); j > 0; j--) {
            int i = below(t, s->axes);
            if (!s->axis[i].pinned) c->pick[i] = (unsigned char)below(t, s->axis[i].count);
        }
        char why[64];
        if (candidate_fits(t, k, c, why, sizeof why) && is_new(t, k, c)) return true;
    }
    return false;
}

static const ocl_section *nth_shared(const space *s, int n)
{
    int i = 0;
    while (!s->axis[i].shared || s->axis[i].pinned || n-- > 0) i++;
    return s->axis[i].section;
}

/* A whole set of one section's shared values, where the best leaves them to the library or has others. Nearly all break a rule, but drawing one is quick. */
static bool next_set(tuner *t, tune_key *k, candidate *c)
{
    const candidate *from = &k->trial[k->best].c;
    const space *s = &k->space[from->space];
    int shared = 0;
    char why[64];
    for (int i = 0; i < s->axes; i++) shared += s->axis[i].shared && !s->axis[i].pinned;
    if (!shared) return false;
    const ocl_section *section = NULL, *other;
    do { /* two draws have to agree: large sections, Xgemm's first of all, have most to give */
        other = section;
        section = nth_shared(s, below(t, shared));
    } while (section != other);
    for (int n = 0; n < DRAWS_OF_A_SET; n++) {
        *c = *from;
        for (int a = 0; a < s->axes; a++) {
            const axis *x = &s->axis[a];
            if (x->section != section || x->pinned) continue;
            int first = x->value[0] == OCL_AUTO;
            c->pick[a] = (unsigned char)(first + below(t, x->count - first));
        }
        if (candidate_fits(t, k, c, why, sizeof why)) return is_new(t, k, c);
    }
    return false;
}

/* --- other strategies --- */

/* any: in spaces that seem hopeless too. */
static bool next_random(tuner *t, const tune_group *g, tune_key *k, bool any, candidate *c)
{
    for (int n = 0; n < DRAWS; n++) {
        char why[64];
        *c = (candidate){.space = below(t, k->space_count)};
        const space *s = &k->space[c->space];
        if (!s->fits || s->excluded || (!any && is_hopeless(t, g, c->space))) continue;
        memcpy(c->pick, s->shipped, sizeof c->pick);
        for (int i = 0; i < s->axes; i++)
            if (!s->axis[i].pinned && !s->axis[i].shared) c->pick[i] = (unsigned char)below(t, s->axis[i].count);
        if (candidate_fits(t, k, c, why, sizeof why) && is_new(t, k, c)) return true;
    }
    return false;
}

/* The whole product, in order; what does not fit is left out, and so are shared values, whose product has no end. */
static bool next_of_all(tuner *t, tune_key *k, candidate *c)
{
    char why[64];
    for (int i = 0; i < k->space_count; i++) {
        const space *s = &k->space[i];
        *c = (candidate){.space = i};
        for (int a = 0; a < s->axes; a++)
            if (s->axis[a].pinned || s->axis[a].shared) c->pick[a] = s->shipped[a];
        for (int n = 0; n < FULL_MAX && s->fits && !s->excluded; n++) {
            if (candidate_fits(t, k, c, why, sizeof why) && is_new(t, k, c)) return true;
            int a = 0;
            for (; a < s->axes; a++) {
                if (s->axis[a].pinned || s->axis[a].shared) continue;
                if (++c->pick[a] < s->axis[a].count) break;
                c->pick[a] = 0;
            }
            if (a == s->axes) break;
        }
    }
    return false;
}

static bool next_of_group(tuner *t, tune_group *g, batch *b)
{
    const char *strategy = t->job->strategy ? t->job->strategy : "guided";
    candidate c;
    sort_group(t, g);
    if (next_implementation(t, g, b)) return true;
    bool full = !strcmp(strategy, "full"), random = !strcmp(strategy, "random"), found = false;
    tune_key *k = NULL;
    if (full) {
        for (int i = 0; i < g->count && !found; i++) {
            k = &t->key[g->key[i]];
            found = next_of_all(t, k, &c);
        }
    } else if ((k = draw_key(t, g)) && random) {
        found = next_random(t, g, k, false, &c);
    } else if (!k) { /* nothing is right yet, the shipped values neither: others may be */
        for (int i = 0; i < g->count && !found && g->since <= PATIENCE; i++) {
            k = &t->key[g->key[i]];
            found = next_random(t, g, k, true, &c);
        }
    } else if (g->since <= PATIENCE) {
        if (next_winner(t, g, b)) return true;
        for (int n = 0; n < DRAWS && !found; n++) {
            if (n) k = draw_key(t, g);
            found = (g->since % 2 && next_set(t, k, &c)) || next_neighbour(t, k, &c) || next_jump(t, k, &c);
        }
    }
    if (found) candidate_batch(t, g, k, &c, GIVE_UP, full, b);
    return found;
}

search_state search_next(tuner *t, batch *b)
{
    bool waits = false;
    for (int which = 0; which < KNOWN_MAX; which++)
        if (known_batch(t, b, which, &waits)) return SEARCH_NEXT;
    if (waits) return SEARCH_WAIT;
    for (;;) {
        tune_group *best = NULL;
        double most = -1;
        for (int i = 0; i < t->group_count; i++) {
            tune_group *g = &t->group[i];
            double worth = group_share(t, g) / (1 + g->since);
            if (g->done || worth <= most) continue;
            most = worth;
            best = g;
        }
        if (!best) return SEARCH_DONE;
        if (next_of_group(t, best, b)) return SEARCH_NEXT;
        best->done = true;
    }
}
