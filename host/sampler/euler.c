/* SPDX-License-Identifier: MIT */
/* Euler's method on the probability flow ODE of Karras et al. 2022 (algorithm 2 without churn).
 * State: x0 + sigma * noise. */
#include "base/error.h"
#include "sampler/sampler_impl.h"

#include <math.h>

static int build(sampler *s, const sampler_setup *p)
{
    int err = 0;
    sigma_schedule ss = {0};
    TRY(sigma_schedule_open(&ss, p));
    s->init_noise_sigma = p->spacing == SPACING_LEADING ? sqrt(ss.sigma[0] * ss.sigma[0] + 1) : ss.sigma[0];
    for (int i = 0; i < p->steps; i++) {
        double sigma = ss.sigma[i], ratio = ss.sigma[i + 1] / sigma;
        mix x0 = predict_denoised(p->prediction, sigma);
        emit_evaluate(s, SLOT_STATE, 1 / sqrt(sigma * sigma + 1), ss.t[i]);
        /* x + (x - x0) / sigma * (next - sigma) */
        EMIT_SUM(s, SLOT_STATE, {SLOT_STATE, ratio + (1 - ratio) * x0.state}, {SLOT_MODEL, (1 - ratio) * x0.model});
        emit_step_end(s);
    }
out:
    sigma_schedule_close(&ss);
    return err;
}

const sampler_kind sampler_euler = {
    .name = "euler",
    .a1111 = "Euler",
    .class_name = "EulerDiscreteScheduler",
    .spacing = SPACING_LINSPACE,
    .has_spread = true,
    .has_final_sigma = true,
    .has_sample_prediction = true,
    .zero_snr = ZERO_SNR_FLOOR,
    .build = build,
};
