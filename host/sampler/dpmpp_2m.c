/* SPDX-License-Identifier: MIT */
/* Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models", 2022: multistep in x0,
 * order 1 to 3. State: alpha * x0 + alpha * sigma * noise with alpha = 1 / sqrt(1 + sigma^2); lambda = -ln sigma. */
#include "base/error.h"
#include "sampler/sampler_impl.h"

#include <math.h>
#include <string.h>

enum { HISTORY = SLOT_FREE, ORDER_MAX = 3 };

typedef struct solver {
    int order;
    bool heun, lower_order_final, euler_at_final;
} solver;

/* What the model's config says of the class's own options. Values of sibling classes are read as there. */
static int read_solver(solver *v, const scheduler_config *c)
{
    *v = (solver){.order = c->solver_order ? c->solver_order : 2,
                  .heun = !strcmp(c->solver_type, "heun"),
                  .lower_order_final = toggle_is_on(c->lower_order_final, true),
                  .euler_at_final = c->euler_at_final};
    static const char *const algorithms[] = {"", "dpmsolver++", "deis"};
    static const char *const types[] = {"", "midpoint", "heun", "logrho", "bh1", "bh2"};
    bool algorithm = false, type = false;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        algorithm |= !strcmp(c->algorithm_type, algorithms[i]);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) type |= !strcmp(c->solver_type, types[i]);
    if (!algorithm) return FAIL(SDCL_EMODEL, "scheduler: dpmpp_2m has no algorithm_type '%s'", c->algorithm_type);
    if (!type) return FAIL(SDCL_EMODEL, "scheduler: dpmpp_2m has no solver_type '%s'", c->solver_type);
    if (v->order < 1 || v->order > ORDER_MAX)
        return FAIL(SDCL_EMODEL, "scheduler: dpmpp_2m has no solver_order %d", v->order);
    if (!strncmp(c->variance_type, "learned", 7))
        return FAIL(SDCL_EMODEL, "scheduler: learned variances are not supported");
    return 0;
}

static int order_at(const solver *v, int i, int steps, bool ends_at_zero)
{
    bool few = v->lower_order_final && steps < 15;
    int order = i + 1 < v->order ? i + 1 : v->order;
    if (i == steps - 1 && (v->euler_at_final || few || ends_at_zero)) return 1;
    if (i == steps - 2 && few && order > 2) return 2;
    return order;
}

/* (e^-h - 1) / h + 1, the weight of the first derivative; 0 at h = 0. */
static double phi_1(double h) { return h != 0 ? expm1(-h) / h + 1 : 0; }

/* Weights w of the last x0's, newest first, in the step of sigma[0] -> sigma[1] with sigma[-1], sigma[-2] before. */
static void solver_weights(double w[ORDER_MAX], int order, bool heun, const double *sigma)
{
    double h = log(sigma[0] / sigma[1]), step = 1 - sigma[1] / sigma[0]; /* 1 - e^-h, also where h is infinite */
    w[0] = step;
    if (order == 1) return;
    double r0 = log(sigma[-1] / sigma[0]) / h;
    if (order == 2) {
        double d1 = (heun ? phi_1(h) : step / 2) / r0;
        w[0] += d1;
        w[1] = -d1;
        return;
    }
    double r1 = log(sigma[-2] / sigma[-1]) / h, d1 = phi_1(h), d2 = h != 0 ? (expm1(-h) + h) / (h * h) - 0.5 : 0;
    /* D1 = d10 + r0 / (r0 + r1) (d10 - d11), D2 = (d10 - d11) / (r0 + r1); d10 = (m0 - m1) / r0, d11 = (m1 - m2) / r1.
     * From here on d10 and d11 are their weights. */
    double d11 = -(d1 * r0 - d2) / (r0 + r1), d10 = d1 - d11;
    w[0] += d10 / r0;
    w[1] = -d10 / r0 + d11 / r1;
    w[2] = -d11 / r1;
}

static int build(sampler *s, const sampler_setup *p)
{
    int err = 0;
    solver v;
    sigma_schedule ss = {0};
    TRY(read_solver(&v, p->config));
    TRY(sigma_schedule_open_integer(&ss, p));
    for (int i = 0; i < p->steps; i++) {
        const double *sigma = ss.sigma + i;
        double alpha = 1 / sqrt(sigma[0] * sigma[0] + 1), next_alpha = 1 / sqrt(sigma[1] * sigma[1] + 1);
        mix x0 = predict_x0(p->prediction, alpha, sigma[0] * alpha);
        int order = order_at(&v, i, p->steps, !p->final_sigma_min);
        double w[ORDER_MAX] = {0};
        if (i && sigma[0] >= sigma[-1]) {
            err = FAIL(SDCL_EUSAGE, "%d steps are too many for dpmpp_2m: %d and %d coincide", p->steps, i, i + 1);
            error_hint("take fewer steps");
            goto out;
        }
        solver_weights(w, order, v.heun, sigma);

        emit_evaluate(s, SLOT_STATE, 1, ss.t[i]);
        EMIT_SUM(s, HISTORY + i % v.order, {SLOT_STATE, x0.state}, {SLOT_MODEL, x0.model});
        term terms[1 + ORDER_MAX] = {{SLOT_STATE, next_alpha * sigma[1] / (alpha * sigma[0])}};
        for (int k = 0; k < order; k++) terms[1 + k] = (term){HISTORY + (i - k) % v.order, next_alpha * w[k]};
        emit_combine(s, SLOT_STATE, terms, 1 + order, 0);
        emit_step_end(s);
    }
out:
    sigma_schedule_close(&ss);
    return err;
}

const sampler_kind sampler_dpmpp_2m = {
    .name = "dpmpp_2m",
    .a1111 = "DPM++ 2M",
    .class_name = "DPMSolverMultistepScheduler",
    .spacing = SPACING_LINSPACE,
    .has_spread = true,
    .has_lu_lambdas = true,
    .has_final_sigma = true,
    .has_thresholding = true,
    .has_sample_prediction = true,
    .zero_snr = ZERO_SNR_FLOOR,
    .build = build,
};
