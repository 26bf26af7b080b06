/* SPDX-License-Identifier: MIT */
/* Samplers as iterators: they yield what to do next and never touch a latent. All coefficients are computed in double.
 *
 * A sampler works on numbered slots, each a latent of the batch on the device:
 *   slot 0           the state x (starts as the initial latent)
 *   slot SLOT_MODEL  the guided model output of the last evaluation (u + s (c - u), or what the model returned)
 *   slots 2 ..       history and saved states, as many as sampler_slots() says
 *   SLOT_NOISE       fresh noise, valid until the next ACTION_NOISE
 * A typical step is EVALUATE, [NOISE], COMBINE, ...; the executor performs the actions strictly in order. */
#ifndef SDCL_SAMPLER_SAMPLER_H
#define SDCL_SAMPLER_SAMPLER_H

#include "base/model_config.h"

#include <stdbool.h>

enum { SLOT_STATE = 0, SLOT_MODEL = 1, SLOT_FREE = 2, SLOT_NOISE = 15, SLOT_COUNT = 16, COMBINE_TERMS_MAX = 8 };

typedef enum action_kind {
    ACTION_EVALUATE, /* model output of (input_scale * slot[input]) at timestep -> SLOT_MODEL */
    ACTION_NOISE,    /* draw standard normal noise of the batch's shape -> SLOT_NOISE */
    ACTION_COMBINE, /* slot[out] = sum of coefficient[k] * slot[term[k]], optionally clamped to +-clamp; out may be among the terms */
    ACTION_STEP_END, /* one scheduler call is complete: state is the latent after it */
    ACTION_DONE
} action_kind;

typedef struct action {
    action_kind kind;
    int input;          /* EVALUATE: slot that is evaluated */
    double input_scale; /* EVALUATE: scale_model_input */
    double timestep;    /* EVALUATE: may be fractional */
    int out, terms;     /* COMBINE */
    int term[COMBINE_TERMS_MAX];
    double coefficient[COMBINE_TERMS_MAX];
    double clamp; /* COMBINE: 0: none */
} action;

typedef struct sampler sampler;

typedef struct sampler_params {
    const char *name;     /* "ddim", "plms", "euler", "euler_a", "dpmpp_2m" */
    const char *schedule; /* "default", "karras", "trailing", "leading", "linspace" */
    int steps;
    double eta;
    const scheduler_config *config;
} sampler_params;

/* SDCL_EUSAGE: unknown name, or an option that this sampler does not have (as diffusers' unsupported combinations; --eta other than 0 where it
 * has no meaning); SDCL_EMODEL: the model's scheduler config asks for what this sampler cannot honour. */
int sampler_open(sampler **s, const sampler_params *p);
void sampler_close(sampler **s);

/* First latent = noise * this. */
double sampler_init_noise_sigma(const sampler *s);
int sampler_evaluations(const sampler *s); /* model evaluations of the whole run */
double sampler_timestep(const sampler *s, int evaluation);
int sampler_slots(const sampler *s); /* slots in use, SLOT_NOISE not counted: 0 .. sampler_slots()-1 */
bool sampler_draws_noise(const sampler *s);

/* The next action; after ACTION_DONE it stays there. */
void sampler_next(sampler *s, action *a);
/* Back to the first action. */
void sampler_restart(sampler *s);

/* --compat diffusers: the sampler (and schedule) that the model's scheduler class stands for, e.g. PNDMScheduler: "plms", "default".
 * SDCL_EMODEL when it is none of ours. */
int sampler_for_class(const scheduler_config *c, const char **name, const char **schedule);

/* Names, and A1111's spelling; NULL past the end or for an unknown name. sampler_canonical accepts both spellings
 * ("DPM++ 2M Karras" also sets *schedule to "karras"; otherwise *schedule is left alone). */
const char *sampler_name(int i);
const char *sampler_a1111(const char *name);
const char *sampler_canonical(const char *any, const char **schedule);
const char *schedule_name(int i);
const char *schedule_a1111(const char *schedule);

#endif
