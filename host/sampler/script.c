/* SPDX-License-Identifier: MIT */
/* Appending to a sampler's script. */
#include "sampler/sampler_impl.h"

#include <math.h>
#include <stdlib.h>

/* A place to write the next action; never NULL, so that samplers need not check. */
static action *append(sampler *s, action_kind kind)
{
    static _Thread_local action lost;
    if (s->count == s->capacity) {
        int capacity = s->capacity ? 2 * s->capacity : 64;
        action *grown = realloc(s->actions, (size_t)capacity * sizeof *grown);
        if (!grown) {
            s->no_memory = true;
            return &lost;
        }
        s->actions = grown;
        s->capacity = capacity;
    }
    action *a = &s->actions[s->count++];
    *a = (action){.kind = kind};
    return a;
}

static void use_slot(sampler *s, int slot)
{
    if (slot != SLOT_NOISE && slot >= s->slots) s->slots = slot + 1;
}

void emit_evaluate(sampler *s, int input, double input_scale, double timestep)
{
    action *a = append(s, ACTION_EVALUATE);
    a->input = input;
    a->input_scale = input_scale;
    a->timestep = timestep;
    if (!isfinite(input_scale) || !isfinite(timestep)) s->not_finite = true;
    use_slot(s, input);
    s->evaluations++;
}

void emit_noise(sampler *s)
{
    append(s, ACTION_NOISE);
    s->draws_noise = true;
}

void emit_combine(sampler *s, int out, const term *terms, int n, double clamp)
{
    action *a = append(s, ACTION_COMBINE);
    a->out = out;
    a->clamp = clamp;
    a->terms = 0;
    for (int i = 0; i < n; i++) {
        if (!isfinite(terms[i].coefficient)) s->not_finite = true;
        if (terms[i].coefficient == 0 && (a->terms || i + 1 < n)) continue;
        a->term[a->terms] = terms[i].slot;
        a->coefficient[a->terms++] = terms[i].coefficient;
        use_slot(s, terms[i].slot);
    }
    use_slot(s, out);
}

void emit_copy(sampler *s, int out, int from) { EMIT_SUM(s, out, {from, 1}); }

void emit_step_end(sampler *s) { append(s, ACTION_STEP_END); }
