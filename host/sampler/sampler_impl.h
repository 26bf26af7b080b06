/* SPDX-License-Identifier: MIT */
/* How a sampler is written: one file that appends, once, the actions of a whole run, and one line in SAMPLERS.
 * Nothing a sampler here does depends on a latent's values: a run is a fixed script that sampler_next walks along. */
#ifndef SDCL_SAMPLER_SAMPLER_IMPL_H
#define SDCL_SAMPLER_SAMPLER_IMPL_H

#include "sampler/prediction.h"
#include "sampler/sampler.h"
#include "sampler/timesteps.h"

/* Every sampler, in the order of sampler_name(). X(euler) is the sampler_kind `sampler_euler` of euler.c. */
#define SAMPLERS(X)                                                                                                    \
    X(euler)                                                                                                           \
    X(euler_a)                                                                                                         \
    X(dpmpp_2m)                                                                                                        \
    X(ddim)                                                                                                            \
    X(plms)

/* A run's parameters after user, model and class defaults have been merged; valid while build() runs. */
typedef struct sampler_setup {
    const scheduler_config *config;
    noise_schedule noise;
    prediction prediction;
    spacing spacing;
    sigma_spread spread;
    bool final_sigma_min; /* the last sigma is the table's smallest, not 0 */
    int steps;            /* 1 .. noise.n */
    double eta;           /* 0 .. 1 */
} sampler_setup;

typedef struct sampler_kind {
    const char *name, *a1111, *class_name; /* class_name: the scheduler of diffusers that it agrees with */
    spacing spacing;                       /* the class's default */
    /* Which options the class has. One that the user asks for in vain is an error; one that comes from the model's
     * config is left out where the class does not know it, as from_config does. */
    bool has_eta, has_spread, has_lu_lambdas, has_final_sigma, has_thresholding, has_sample_prediction;
    zero_snr zero_snr; /* what rescale_betas_zero_snr means here */
    int (*build)(sampler *s, const sampler_setup *p);
} sampler_kind;

#define SAMPLER_EXTERN(name) extern const sampler_kind sampler_##name;
SAMPLERS(SAMPLER_EXTERN)
#undef SAMPLER_EXTERN

struct sampler {
    action *actions; /* owned */
    int count, capacity, next;
    int evaluations, slots;
    bool draws_noise;
    double init_noise_sigma; /* 1 unless build() sets it */
    bool no_memory, not_finite;
};

typedef struct term {
    int slot;
    double coefficient;
} term;

/* Appending cannot fail by itself: what goes wrong is latched in the sampler and reported once, by sampler_open. */
void emit_evaluate(sampler *s, int input, double input_scale, double timestep);
void emit_noise(sampler *s);
/* slot[out] = sum of n terms, clamped to +-clamp unless that is 0. Terms with coefficient 0 are left out. */
void emit_combine(sampler *s, int out, const term *terms, int n, double clamp);
void emit_copy(sampler *s, int out, int from);
void emit_step_end(sampler *s);

#define EMIT_SUM(s, out, ...)                                                                                          \
    emit_combine((s), (out), (const term[]){__VA_ARGS__}, (int)(sizeof((const term[]){__VA_ARGS__}) / sizeof(term)), 0)

/* alphas_cumprod at t; before the first timestep 1 if to_one, else the first value. t < noise.n. */
double alpha_bar(const sampler_setup *p, int t, bool to_one);

/* Integer timesteps of ddim and plms: steps values, descending, freed by the caller. */
int discrete_timesteps(int **t, const sampler_setup *p);

typedef struct sigma_schedule {
    double *t;     /* steps values: what the model is given */
    double *sigma; /* steps + 1 values, exact in float32; the last is where the run ends */
} sigma_schedule;

/* Fractional timesteps; a spread keeps the ends of the spaced list (the Euler samplers). */
int sigma_schedule_open(sigma_schedule *ss, const sampler_setup *p);
/* Integer timesteps; a spread covers the whole table (DPM-Solver). */
int sigma_schedule_open_integer(sigma_schedule *ss, const sampler_setup *p);
void sigma_schedule_close(sigma_schedule *ss);

#endif
