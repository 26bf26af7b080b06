/* SPDX-License-Identifier: MIT */
/* Euler's method with ancestral noise: a step goes down below the next sigma and fresh noise brings it back up.
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
        double sigma = ss.sigma[i], next = ss.sigma[i + 1];
        double down = next * next / sigma, up = sqrt(fmax(next * next - down * down, 0));
        double ratio = down / sigma;
        mix x0 = predict_denoised(p->prediction, sigma);
        emit_evaluate(s, SLOT_STATE, 1 / sqrt(sigma * sigma + 1), ss.t[i]);
        emit_noise(s); /* also in the last step, where it weighs nothing: the generator moves on as in the reference */
        EMIT_SUM(s, SLOT_STATE, {SLOT_STATE, ratio + (1 - ratio) * x0.state}, {SLOT_MODEL, (1 - ratio) * x0.model},
                 {SLOT_NOISE, up});
        emit_step_end(s);
    }
out:
    sigma_schedule_close(&ss);
    return err;
}

const sampler_kind sampler_euler_a = {
    .name = "euler_a",
    .a1111 = "Euler a",
    .class_name = "EulerAncestralDiscreteScheduler",
    .spacing = SPACING_LINSPACE,
    .zero_snr = ZERO_SNR_FLOOR,
    .build = build,
};
