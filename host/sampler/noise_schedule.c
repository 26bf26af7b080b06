/* SPDX-License-Identifier: MIT */
#include "sampler/noise_schedule.h"

#include "base/error.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* torch.linspace: each half counts from its own end, with one rounding a value. */
static void linspace(float *v, int n, double from, double to)
{
    float first = (float)from, last = (float)to, step = n > 1 ? (last - first) / (float)(n - 1) : 0;
    for (int i = 0; i < n; i++)
        v[i] = i < n / 2 || n == 1 ? fmaf(step, (float)i, first) : fmaf(-step, (float)(n - 1 - i), last);
}

/* Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021, with their cap. */
static double cosine_alpha(double t)
{
    double c = cos((t + 0.008) / 1.008 * 3.14159265358979323846 / 2);
    return c * c;
}

static int betas_fill(float *beta, const scheduler_config *c)
{
    int n = c->train_timesteps;
    if (c->trained_betas) {
        for (int i = 0; i < n; i++) beta[i] = (float)c->trained_betas[i];
    } else if (!strcmp(c->beta_schedule, "linear")) {
        linspace(beta, n, c->beta_start, c->beta_end);
    } else if (!strcmp(c->beta_schedule, "scaled_linear")) {
        linspace(beta, n, sqrt(c->beta_start), sqrt(c->beta_end));
        for (int i = 0; i < n; i++) beta[i] *= beta[i];
    } else if (!strcmp(c->beta_schedule, "squaredcos_cap_v2")) {
        for (int i = 0; i < n; i++)
            beta[i] = (float)fmin(1 - cosine_alpha((double)(i + 1) / n) / cosine_alpha((double)i / n), 0.999);
    } else {
        return FAIL(SDCL_EMODEL, "scheduler: unknown beta_schedule '%s'", c->beta_schedule);
    }
    for (int i = 0; i < n; i++)
        if (!(beta[i] >= 0 && beta[i] <= 1))
            return FAIL(SDCL_EMODEL, "scheduler: beta %d is %g, expected 0 .. 1", i, (double)beta[i]);
    return 0;
}

/* torch.cumprod keeps its running product in double. */
static void cumulate(float *alphas_cumprod, const float *beta, int n)
{
    double product = 1;
    for (int i = 0; i < n; i++) {
        product *= (double)(1.0f - beta[i]);
        alphas_cumprod[i] = (float)product;
    }
}

/* Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023, algorithm 1.
 * root is scratch of n values. */
static void rescale_zero_snr(float *beta, float *root, int n)
{
    cumulate(root, beta, n);
    for (int i = 0; i < n; i++) root[i] = sqrtf(root[i]);
    float last = root[n - 1], scale = root[0] / (root[0] - last);
    for (int i = 0; i < n; i++) {
        root[i] = (root[i] - last) * scale;
        root[i] *= root[i];
    }
    beta[0] = 1.0f - root[0];
    for (int i = 1; i < n; i++) beta[i] = 1.0f - root[i] / root[i - 1];
}

int noise_schedule_open(noise_schedule *ns, const scheduler_config *c, zero_snr zero)
{
    int err = 0, n = c->train_timesteps;
    float *beta = NULL;
    *ns = (noise_schedule){0};
    if (n < 1) return FAIL(SDCL_EMODEL, "scheduler: num_train_timesteps is %d", n);

    ns->n = n;
    ns->alphas_cumprod = calloc((size_t)n, sizeof *ns->alphas_cumprod);
    ns->sigmas = calloc((size_t)n, sizeof *ns->sigmas);
    beta = calloc((size_t)n, sizeof *beta);
    if (!ns->alphas_cumprod || !ns->sigmas || !beta) {
        err = FAIL(SDCL_ENOMEM, "scheduler: no memory for %d noise levels", n);
        goto out;
    }
    TRY(betas_fill(beta, c));
    if (zero != ZERO_SNR_OFF) rescale_zero_snr(beta, ns->sigmas, n);
    cumulate(ns->alphas_cumprod, beta, n);
    if (zero == ZERO_SNR_FLOOR) ns->alphas_cumprod[n - 1] = 0x1p-24f;
    for (int i = 0; i < n; i++) ns->sigmas[i] = sqrtf((1.0f - ns->alphas_cumprod[i]) / ns->alphas_cumprod[i]);
out:
    free(beta);
    if (err) noise_schedule_close(ns);
    return err;
}

void noise_schedule_close(noise_schedule *ns)
{
    if (!ns) return;
    free(ns->alphas_cumprod);
    free(ns->sigmas);
    *ns = (noise_schedule){0};
}
