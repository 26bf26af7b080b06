/* SPDX-License-Identifier: MIT */
#include "sampler/prediction.h"

#include <math.h>

mix predict_x0(prediction p, double alpha, double sigma)
{
    switch (p) {
    case PREDICT_V: return (mix){alpha, -sigma};
    case PREDICT_SAMPLE: return (mix){0, 1};
    default: return (mix){1 / alpha, -sigma / alpha};
    }
}

mix predict_noise(prediction p, double alpha, double sigma)
{
    switch (p) {
    case PREDICT_V: return (mix){sigma, alpha};
    case PREDICT_SAMPLE: return (mix){1 / sigma, -alpha / sigma};
    default: return (mix){0, 1};
    }
}

mix predict_denoised(prediction p, double sigma)
{
    switch (p) {
    case PREDICT_V: return (mix){1 / (sigma * sigma + 1), -sigma / sqrt(sigma * sigma + 1)};
    case PREDICT_SAMPLE: return (mix){0, 1};
    default: return (mix){1, -sigma};
    }
}
