/* SPDX-License-Identifier: MIT */
/* Values that make no difference: an implementation overrides them (AMX's register tile), rounds two of them to one (keys of a block), or means the same by two
 * words (auto, and what it comes to). Nothing says so beside the tunables; a candidate is lowered, and what it would run compared with what ran. */
#include "tune/tune.h"

#include "base/error.h"
#include "ocl/probe.h"
#include "ops/launch.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct lowered {
    candidate c;
    uint64_t sum; /* 0: it cannot be lowered */
};

typedef struct summing {
    const tune_key *key;
    uint64_t sum;
} summing;

static void add(summing *s, const void *what, size_t n) { s->sum = XXH3_64bits_withSeed(what, n, s->sum); }

/* Kernels of one ocl are equal where they are the same. */
static void add_step(void *user, const plan *p, const step *step)
{
    summing *s = user;
    int values[AXES_MAX];
    if (!step_is_of(step, s->key->check.op->op)) return;
    add(s, step->op->name, strlen(step->op->name));
    add(s, step->impl->name, strlen(step->impl->name));
    add(s, step->kernel, sizeof step->kernel);
    for (int i = 0; step->uses[i]; i++) {
        const ocl_section *section = step->uses[i];
        if (!(step->hidden >> i & 1) || section->count > AXES_MAX) continue;
        tune_fits(p, section, step->read_at[i], step->shape, values);
        for (int k = 0; k < section->count; k++)
            if (strcmp(section->tunables[k].name, "impl") != 0) add(s, &values[k], sizeof values[k]);
    }
}

static int open_lens(tuner *t)
{
    int err = 0;
    if (t->lens) return 0;
    TRY(open_to_lower(t, false, t->params->set, t->params->set_count, &t->lens_values, &t->lens));
    ocl_probe_forget(t->lens);
out:
    return err;
}

void twins_close(tuner *t)
{
    ocl_close(&t->lens);
    config_close(&t->lens_values);
}

/* Can it be told? CLBlast's parameters are handed to the library while a step is lowered, and would stay in force in this process. */
static bool can_lower(const space *s)
{
    bool shared = false;
    for (int i = 0; i < s->axes; i++) shared = shared || s->axis[i].shared;
    return s->fits && !shared;
}

/* What a candidate comes to; 0: it cannot be told. */
static uint64_t sum_of(tuner *t, const tune_key *k, const candidate *c)
{
    int n = t->params->set_count, err = 0;
    summing s = {.key = k};
    check_result r = {0};
    config *values = NULL;
    char **own = candidate_sets(k, c);
    const char **sets = NULL;
    if (!own) return 0;
    for (int i = 0; own[i]; i++) n++;
    sets = calloc((size_t)n + 1, sizeof *sets);
    if (!sets) goto out;
    n = 0;
    for (int i = 0; i < t->params->set_count; i++) sets[n++] = t->params->set[i];
    for (int i = 0; own[i]; i++) sets[n++] = own[i];
    TRY(open_lens(t));
    TRY(config_open(&values, ops_sections, &t->device.info, t->params->config_file, sets, n));
    ocl_use_config(t->lens, values);
    check_lower_key(t->lens, &k->check, add_step, &s, &r);
    ocl_use_config(t->lens, t->lens_values);
out:
    config_close(&values);
    free(sets);
    sets_free(own);
    return err || !r.ok ? 0 : s.sum;
}

static uint64_t known_sum(tuner *t, tune_key *k, const candidate *c)
{
    for (int i = 0; i < k->lowered_count; i++)
        if (candidate_same(k, &k->lowered[i].c, c)) return k->lowered[i].sum;
    uint64_t sum = sum_of(t, k, c);
    if (k->lowered_count == k->lowered_capacity) {
        int capacity = k->lowered_capacity ? k->lowered_capacity * 2 : 32;
        struct lowered *longer = realloc(k->lowered, (size_t)capacity * sizeof *longer);
        if (!longer) return sum;
        k->lowered = longer;
        k->lowered_capacity = capacity;
    }
    k->lowered[k->lowered_count++] = (struct lowered){*c, sum};
    return sum;
}

bool candidate_twins(tuner *t, tune_key *k, const candidate *a, const candidate *b)
{
    if (a->space != b->space || !can_lower(&k->space[a->space])) return false;
    uint64_t sum = known_sum(t, k, a);
    return sum && sum == known_sum(t, k, b);
}

bool candidate_ran(tuner *t, tune_key *k, const candidate *c)
{
    if (trial_of(k, c)) return true;
    if (!can_lower(&k->space[c->space])) return false;
    for (; k->lowered_trials < k->trial_count; k->lowered_trials++) {
        candidate one = k->trial[k->lowered_trials].c;
        if (can_lower(&k->space[one.space])) known_sum(t, k, &one);
    }
    uint64_t sum = known_sum(t, k, c);
    for (int i = 0; sum && i < k->lowered_count; i++)
        if (k->lowered[i].sum == sum && k->lowered[i].c.space == c->space && trial_of(k, &k->lowered[i].c)) return true;
    return false;
}
