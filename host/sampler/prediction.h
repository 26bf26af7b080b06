/* SPDX-License-Identifier: MIT */
/* What a model's output means, as coefficients of the state and of the output itself. */
#ifndef SDCL_SAMPLER_PREDICTION_H
#define SDCL_SAMPLER_PREDICTION_H

typedef enum prediction { PREDICT_EPSILON, PREDICT_V, PREDICT_SAMPLE } prediction;

typedef struct mix {
    double state, model; /* state * x + model * output */
} mix;

/* x = alpha * x0 + sigma * noise with alpha^2 + sigma^2 = 1 (the state of ddim, plms and DPM-Solver). */
mix predict_x0(prediction p, double alpha, double sigma);
mix predict_noise(prediction p, double alpha, double sigma);
/* x = x0 + sigma * noise (the state of the Euler samplers); the model saw x / sqrt(1 + sigma^2). */
mix predict_denoised(prediction p, double sigma);

#endif
