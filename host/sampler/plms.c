/* SPDX-License-Identifier: MIT */
/* Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds", 2022: linear multistep in the noise
 * estimate, started either by one step that is evaluated twice (skip_prk_steps, Stable Diffusion) or by three
 * Runge-Kutta steps. */
#include "base/error.h"
#include "sampler/sampler_impl.h"

#include <math.h>
#include <stdlib.h>

/* SAVED: the state that a start step began from. */
enum { HISTORY = SLOT_FREE, ORDER = 4, SAVED = HISTORY + ORDER, SUM };

typedef struct plms {
    sampler *s;
    const sampler_setup *p;
    int kept;   /* model outputs put into the ring so far */
    int stride; /* training timesteps between two steps */
} plms;

static int kept_slot(const plms *m, int age) { return HISTORY + (m->kept - 1 - age) % ORDER; }

static void keep(plms *m)
{
    m->kept++;
    emit_copy(m->s, kept_slot(m, 0), SLOT_MODEL);
}

/* Equation 9: from x (slot `from`) at t to `next`, with e = the weighted sum of n model outputs. */
static void advance(plms *m, int from, int t, int next, const term *e, int n)
{
    const sampler_setup *p = m->p;
    bool to_one = toggle_is_on(p->config->set_alpha_to_one, false);
    double a = alpha_bar(p, t, false), b = alpha_bar(p, next, to_one);
    double slope = (a - b) / (a * sqrt(1 - b) + sqrt(a * (1 - a) * b));
    mix noise = predict_noise(p->prediction, sqrt(a), sqrt(1 - a));
    term terms[1 + ORDER] = {{from, sqrt(b / a) + slope * noise.state}};
    for (int i = 0; i < n; i++) terms[1 + i] = (term){e[i].slot, slope * noise.model * e[i].coefficient};
    emit_combine(m->s, SLOT_STATE, terms, 1 + n, 0);
    emit_step_end(m->s);
}

/* Adams-Bashforth, of the order that the history allows. */
static void multistep(plms *m, int t)
{
    static const double weight[ORDER][ORDER] = {
        {1}, {3. / 2, -1. / 2}, {23. / 12, -16. / 12, 5. / 12}, {55. / 24, -59. / 24, 37. / 24, -9. / 24}};
    emit_evaluate(m->s, SLOT_STATE, 1, t);
    keep(m);
    int n = m->kept < ORDER ? m->kept : ORDER;
    term e[ORDER];
    for (int i = 0; i < n; i++) e[i] = (term){kept_slot(m, i), weight[n - 1][i]};
    advance(m, SLOT_STATE, t, t - m->stride, e, n);
}

/* The first step, then once more with the mean of the noise at its two ends. */
static void start_twice(plms *m, int t, int t1)
{
    emit_copy(m->s, SAVED, SLOT_STATE);
    multistep(m, t);
    emit_evaluate(m->s, SLOT_STATE, 1, t1);
    const term mean[] = {{kept_slot(m, 0), 0.5}, {SLOT_MODEL, 0.5}};
    advance(m, SAVED, t1 + m->stride, t1, mean, 2);
}

/* One classical Runge-Kutta step from t to t1: the noise at t, twice half-way, and at t1. */
static void runge_kutta(plms *m, int t, int t1)
{
    int half = m->stride / 2, at[] = {t, t1 + half, t1 + half, t1};
    emit_copy(m->s, SAVED, SLOT_STATE);
    for (int i = 0; i < 4; i++) {
        emit_evaluate(m->s, SLOT_STATE, 1, at[i]);
        if (!i) {
            keep(m);
            EMIT_SUM(m->s, SUM, {SLOT_MODEL, 1. / 6});
        } else if (i < 3) {
            EMIT_SUM(m->s, SUM, {SUM, 1}, {SLOT_MODEL, 1. / 3});
        }
        const term output[] = {{SLOT_MODEL, 1}}, sum[] = {{SUM, 1}, {SLOT_MODEL, 1. / 6}};
        int next = i % 2 ? at[i] : at[i] - half;
        if (i < 3) advance(m, SAVED, t, next, output, 1);
        else advance(m, SAVED, t, next, sum, 2);
    }
}

static int build(sampler *s, const sampler_setup *p)
{
    int err = 0, i = 0, *t = NULL;
    plms m = {s, p, 0, p->noise.n / p->steps};
    TRY(discrete_timesteps(&t, p));
    if (!p->config->skip_prk_steps) {
        if (p->steps < ORDER) {
            err = FAIL(SDCL_EUSAGE, "plms with this model (skip_prk_steps is false) needs at least %d steps", ORDER);
            goto out;
        }
        for (; i < ORDER - 1; i++) runge_kutta(&m, t[i], t[i + 1]);
    } else if (p->steps > 1) {
        start_twice(&m, t[0], t[1]);
        i = 1;
    }
    for (; i < p->steps; i++) multistep(&m, t[i]);
out:
    free(t);
    return err;
}

const sampler_kind sampler_plms = {
    .name = "plms",
    .a1111 = "PLMS",
    .class_name = "PNDMScheduler",
    .spacing = SPACING_LEADING,
    .build = build,
};
