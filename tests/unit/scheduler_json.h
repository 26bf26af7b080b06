/* SPDX-License-Identifier: MIT */
/* For the sampler tests: a scheduler_config from JSON. */
#ifndef SDCL_TESTS_SCHEDULER_JSON_H
#define SDCL_TESTS_SCHEDULER_JSON_H

#include "base/model_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

enum { TRAIN_MAX = 1000 };

static inline void copy_text(char *out, size_t size, const json_t *c, const char *key, const char *missing)
{
    const char *text = json_string_value(json_object_get(c, key));
    assert_true(strlen(text ? text : missing) < size);
    strcpy(out, text ? text : missing);
}

static inline bool flag(const json_t *c, const char *key, bool missing)
{
    const json_t *v = json_object_get(c, key);
    return v ? json_is_true(v) : missing;
}

static inline double number(const json_t *c, const char *key, double missing)
{
    const json_t *v = json_object_get(c, key);
    return v ? json_number_value(v) : missing;
}

#define TEXT(key, missing) copy_text(out->key, sizeof out->key, c, #key, missing)

/* A scheduler_config.json as the model reader fills it: what is missing is the default of the file's class.
 * betas: TRAIN_MAX values. */
static inline void read_config(scheduler_config *out, double *betas, const json_t *c)
{
    *out = (scheduler_config){0};
    copy_text(out->class_name, sizeof out->class_name, c, "_class_name", "PNDMScheduler");
    bool ddim = !strcmp(out->class_name, "DDIMScheduler");
    out->train_timesteps = (int)number(c, "num_train_timesteps", 1000);
    assert_true(out->train_timesteps <= TRAIN_MAX);
    out->beta_start = number(c, "beta_start", 0.0001);
    out->beta_end = number(c, "beta_end", 0.02);
    TEXT(beta_schedule, "linear");
    TEXT(prediction_type, "epsilon");
    TEXT(timestep_spacing, "");
    TEXT(algorithm_type, "");
    TEXT(solver_type, "");
    TEXT(final_sigmas_type, "");
    TEXT(variance_type, "");
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(c, "trained_betas"), i, v) betas[i] = json_number_value(v);
    if (i) out->trained_betas = betas;
    out->steps_offset = (int)number(c, "steps_offset", 0);
    out->clip_sample = flag(c, "clip_sample", ddim);
    out->clip_sample_range = number(c, "clip_sample_range", 1);
    out->set_alpha_to_one = flag(c, "set_alpha_to_one", ddim);
    out->clip_sample_unset = !json_object_get(c, "clip_sample");
    out->set_alpha_to_one_unset = !json_object_get(c, "set_alpha_to_one");
    out->skip_prk_steps = flag(c, "skip_prk_steps", false);
    out->rescale_betas_zero_snr = flag(c, "rescale_betas_zero_snr", false);
    out->use_karras_sigmas = flag(c, "use_karras_sigmas", false);
    out->use_exponential_sigmas = flag(c, "use_exponential_sigmas", false);
    out->use_beta_sigmas = flag(c, "use_beta_sigmas", false);
    out->use_lu_lambdas = flag(c, "use_lu_lambdas", false);
    out->solver_order = (int)number(c, "solver_order", 0);
    out->lower_order_final_set = json_object_get(c, "lower_order_final") != NULL;
    out->lower_order_final = flag(c, "lower_order_final", false);
    out->euler_at_final = flag(c, "euler_at_final", false);
}

#undef TEXT

/* Stable Diffusion 1.5's. */
static inline scheduler_config sd15_config(void)
{
    scheduler_config c;
    double none[1];
    json_t *file = json_pack("{s:f, s:f, s:s, s:i, s:b, s:b, s:i, s:b}", "beta_start", 0.00085, "beta_end", 0.012,
                             "beta_schedule", "scaled_linear", "num_train_timesteps", 1000, "set_alpha_to_one", 0,
                             "skip_prk_steps", 1, "steps_offset", 1, "clip_sample", 0);
    assert_non_null(file);
    read_config(&c, none, file);
    json_decref(file);
    return c;
}

#endif
