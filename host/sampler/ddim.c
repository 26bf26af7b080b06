/* SPDX-License-Identifier: MIT */
/* Song, Meng and Ermon, "Denoising Diffusion Implicit Models", 2020, equations 12 and 16. */
#include "base/error.h"
#include "sampler/sampler_impl.h"

#include <math.h>
#include <stdlib.h>

static int build(sampler *s, const sampler_setup *p)
{
    enum { CLIPPED = SLOT_FREE };
    int err = 0, *t = NULL;
    const scheduler_config *c = p->config;
    TRY(discrete_timesteps(&t, p));
    bool clip = toggle_is_on(c->clip_sample, true), to_one = toggle_is_on(c->set_alpha_to_one, true);
    double range = c->clip_sample_range > 0 ? c->clip_sample_range : 1;
    for (int i = 0; i < p->steps; i++) {
        double a = alpha_bar(p, t[i], false);
        double next = alpha_bar(p, t[i] - p->noise.n / p->steps, to_one);
        double variance = p->eta * p->eta * (1 - next) / (1 - a) * (1 - a / next);
        double direction = sqrt(fmax(1 - next - variance, 0));
        mix x0 = predict_x0(p->prediction, sqrt(a), sqrt(1 - a));
        mix noise = predict_noise(p->prediction, sqrt(a), sqrt(1 - a));

        emit_evaluate(s, SLOT_STATE, 1, t[i]);
        if (p->eta > 0) emit_noise(s);
        if (clip) { /* the noise estimate stays that of the unclipped x0, as in the reference */
            emit_combine(s, CLIPPED, (const term[]){{SLOT_STATE, x0.state}, {SLOT_MODEL, x0.model}}, 2, range);
            x0 = (mix){0, 0};
        }
        EMIT_SUM(s, SLOT_STATE, {SLOT_STATE, sqrt(next) * x0.state + direction * noise.state},
                 {SLOT_MODEL, sqrt(next) * x0.model + direction * noise.model}, {CLIPPED, clip ? sqrt(next) : 0},
                 {SLOT_NOISE, sqrt(variance)});
        emit_step_end(s);
    }
out:
    free(t);
    return err;
}

const sampler_kind sampler_ddim = {
    .name = "ddim",
    .a1111 = "DDIM",
    .class_name = "DDIMScheduler",
    .spacing = SPACING_LEADING,
    .has_eta = true,
    .has_thresholding = true,
    .has_sample_prediction = true,
    .zero_snr = ZERO_SNR_EXACT,
    .build = build,
};
