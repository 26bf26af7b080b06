/* SPDX-License-Identifier: MIT */
/* The timesteps and noise levels that samplers share. */
#include "base/error.h"
#include "sampler/sampler_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double alpha_bar(const sampler_setup *p, int t, bool to_one)
{
    if (t >= 0) return (double)p->noise.alphas_cumprod[t];
    return to_one ? 1 : (double)p->noise.alphas_cumprod[0];
}

int discrete_timesteps(int **t, const sampler_setup *p)
{
    int err = 0;
    double *spaced = calloc((size_t)p->steps, sizeof *spaced);
    *t = calloc((size_t)p->steps, sizeof **t);
    if (!spaced || !*t) {
        err = FAIL(SDCL_ENOMEM, "sampler: no memory for %d timesteps", p->steps);
        goto out;
    }
    timesteps_fill(spaced, p->steps, p->spacing, p->noise.n, p->config->steps_offset, 0);
    for (int i = 0; i < p->steps; i++) (*t)[i] = (int)rint(spaced[i]);
    if ((*t)[0] >= p->noise.n || (*t)[p->steps - 1] < 0) {
        err = FAIL(SDCL_EUSAGE, "%d steps with offset %d need timesteps %d .. %d, the model has 0 .. %d", p->steps,
                   p->config->steps_offset, (*t)[p->steps - 1], (*t)[0], p->noise.n - 1);
        error_hint("take fewer steps");
    }
out:
    free(spaced);
    if (err) {
        free(*t);
        *t = NULL;
    }
    return err;
}

static int open_arrays(sigma_schedule *ss, int steps)
{
    ss->t = calloc((size_t)steps, sizeof *ss->t);
    ss->sigma = calloc((size_t)steps + 1, sizeof *ss->sigma);
    if (ss->t && ss->sigma) return 0;
    sigma_schedule_close(ss);
    return FAIL(SDCL_ENOMEM, "sampler: no memory for %d steps", steps);
}

static void finish(sigma_schedule *ss, const sampler_setup *p)
{
    ss->sigma[p->steps] = p->final_sigma_min ? (double)p->noise.sigmas[0] : 0;
    for (int i = 0; i < p->steps; i++) ss->sigma[i] = (double)(float)ss->sigma[i];
}

int sigma_schedule_open(sigma_schedule *ss, const sampler_setup *p)
{
    int err = 0;
    *ss = (sigma_schedule){0};
    TRY(open_arrays(ss, p->steps));
    timesteps_fill(ss->t, p->steps, p->spacing, p->noise.n, p->config->steps_offset, 0);
    for (int i = 0; i < p->steps; i++) {
        ss->t[i] = (double)(float)ss->t[i];
        ss->sigma[i] = sigma_at(&p->noise, ss->t[i]);
    }
    if (p->spread != SPREAD_NONE) {
        sigmas_fill(ss->sigma, p->steps, p->spread, ss->sigma[0], ss->sigma[p->steps - 1]);
        for (int i = 0; i < p->steps; i++) ss->t[i] = (double)(float)sigma_to_timestep(&p->noise, ss->sigma[i]);
    }
    finish(ss, p);
out:
    return err;
}

int sigma_schedule_open_integer(sigma_schedule *ss, const sampler_setup *p)
{
    int err = 0;
    *ss = (sigma_schedule){0};
    TRY(open_arrays(ss, p->steps));
    if (p->spread == SPREAD_NONE) {
        timesteps_fill(ss->t, p->steps, p->spacing, p->noise.n, p->config->steps_offset, 1);
        for (int i = 0; i < p->steps; i++) {
            ss->t[i] = rint(ss->t[i]);
            ss->sigma[i] = sigma_at(&p->noise, ss->t[i]);
        }
    } else {
        /* The reference rounds, but cuts off under an exponential spread and under the cosine schedule. */
        bool round = (p->spread == SPREAD_KARRAS || p->config->use_lu_lambdas) &&
                     strcmp(p->config->beta_schedule, "squaredcos_cap_v2");
        sigmas_fill(ss->sigma, p->steps, p->spread, (double)p->noise.sigmas[p->noise.n - 1],
                    (double)p->noise.sigmas[0]);
        for (int i = 0; i < p->steps; i++) {
            double t = sigma_to_timestep(&p->noise, ss->sigma[i]);
            ss->t[i] = round ? rint(t) : floor(t);
        }
    }
    finish(ss, p);
out:
    return err;
}

void sigma_schedule_close(sigma_schedule *ss)
{
    if (!ss) return;
    free(ss->t);
    free(ss->sigma);
    *ss = (sigma_schedule){0};
}
