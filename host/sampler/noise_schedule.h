/* SPDX-License-Identifier: MIT */
/* The noise levels that a model was trained on, in float32 as diffusers computes them. */
#ifndef SDCL_SAMPLER_NOISE_SCHEDULE_H
#define SDCL_SAMPLER_NOISE_SCHEDULE_H

#include "base/model_config.h"

typedef struct noise_schedule {
    int n;                 /* training timesteps */
    float *alphas_cumprod; /* n values, owned; product of (1 - beta) up to t */
    float *sigmas;         /* n values, owned; sqrt((1 - alphas_cumprod) / alphas_cumprod) */
} noise_schedule;

typedef enum zero_snr {
    ZERO_SNR_OFF,
    ZERO_SNR_EXACT, /* the last alphas_cumprod is 0 (and the last sigma infinite) */
    ZERO_SNR_FLOOR  /* ... is 2^-24, so that the last sigma is finite */
} zero_snr;

/* SDCL_EMODEL for an unknown beta schedule and for betas outside 0 .. 1. */
int noise_schedule_open(noise_schedule *ns, const scheduler_config *c, zero_snr zero);
void noise_schedule_close(noise_schedule *ns);

#endif
