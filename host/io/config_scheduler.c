/* SPDX-License-Identifier: MIT */
/* scheduler_config.json. */
#include "io/config_json.h"

#include "base/error.h"
#include "io/json_read.h"

#include <float.h>
#include <stdlib.h>

static toggle read_toggle(json_reader *r, const char *key)
{
    json_t *v = r->err ? NULL : json_object_get(r->root, key);
    if (!v || json_is_null(v)) return TOGGLE_UNSET;
    return json_read_bool(r, key, false) ? TOGGLE_ON : TOGGLE_OFF;
}

static void read_trained_betas(json_reader *r, scheduler_config *c)
{
    json_t *list = r->err ? NULL : json_object_get(r->root, "trained_betas"), *v;
    if (!list || json_is_null(list)) return;
    if (json_array_size(list) != (size_t)c->train_timesteps) {
        r->err = FAIL(SDCL_EMODEL, "%s: trained_betas is not a list of num_train_timesteps (%d) numbers", r->path,
                      c->train_timesteps);
        return;
    }
    c->trained_betas = malloc((size_t)c->train_timesteps * sizeof *c->trained_betas);
    if (!c->trained_betas) {
        r->err = FAIL(SDCL_ENOMEM, "out of memory");
        return;
    }
    size_t i;
    json_array_foreach(list, i, v)
    {
        c->trained_betas[i] = json_number_value(v);
        if (!(json_is_number(v) && c->trained_betas[i] > 0 && c->trained_betas[i] <= 1) && !r->err)
            r->err = FAIL(SDCL_EMODEL, "%s: trained_betas[%zu] is not a number above 0 and up to 1", r->path, i);
    }
}

int config_read_scheduler(scheduler_config *c, const char *path)
{
    static const json_expectation expected[] = {
        {"beta_schedule", "\"scaled_linear\" \"linear\" \"squaredcos_cap_v2\""},
        {"disable_corrector", "[]"},
        {"interpolation_type", "\"linear\""},
        {"predict_x0", "true"},
        {"prediction_type", "\"epsilon\" \"v_prediction\" \"sample\""},
        {"sigma_max", "null"},
        {"sigma_min", "null"},
        {"timestep_spacing", "\"leading\" \"trailing\" \"linspace\""},
        {"timestep_type", "\"discrete\""},
        {"use_dynamic_shifting", "false"},
        {"use_flow_sigmas", "false"},
        {NULL, NULL},
    };
    *c = (scheduler_config){0};
    json_reader r;
    json_reader_open(&r, path, CONFIG_BYTES_MAX);
    json_expect_all(&r, expected);
    json_read_text(&r, "_class_name", "", c->class_name, sizeof c->class_name);
    if (!r.err && !c->class_name[0]) r.err = FAIL(SDCL_EMODEL, "%s: _class_name is missing", path);
    c->train_timesteps = json_read_int(&r, "num_train_timesteps", 1000, 1, 100000);
    c->beta_start = json_read_number(&r, "beta_start", 0.0001, DBL_MIN, 0.999);
    c->beta_end = json_read_number(&r, "beta_end", 0.02, DBL_MIN, 0.999);
    json_read_text(&r, "beta_schedule", "linear", c->beta_schedule, sizeof c->beta_schedule);
    read_trained_betas(&r, c);
    json_read_text(&r, "prediction_type", "epsilon", c->prediction_type, sizeof c->prediction_type);
    json_read_text(&r, "timestep_spacing", "", c->timestep_spacing, sizeof c->timestep_spacing);
    c->steps_offset = json_read_int(&r, "steps_offset", 0, 0, c->train_timesteps - 1);
    c->clip_sample = read_toggle(&r, "clip_sample");
    c->clip_sample_range = json_read_number(&r, "clip_sample_range", 1, DBL_MIN, 1e6);
    c->set_alpha_to_one = read_toggle(&r, "set_alpha_to_one");
    c->skip_prk_steps = json_read_bool(&r, "skip_prk_steps", false);
    c->thresholding = json_read_bool(&r, "thresholding", false);
    c->rescale_betas_zero_snr = json_read_bool(&r, "rescale_betas_zero_snr", false);
    c->use_karras_sigmas = json_read_bool(&r, "use_karras_sigmas", false);
    c->use_exponential_sigmas = json_read_bool(&r, "use_exponential_sigmas", false);
    c->use_beta_sigmas = json_read_bool(&r, "use_beta_sigmas", false);
    c->use_lu_lambdas = json_read_bool(&r, "use_lu_lambdas", false);
    json_read_text(&r, "algorithm_type", "", c->algorithm_type, sizeof c->algorithm_type);
    json_read_text(&r, "solver_type", "", c->solver_type, sizeof c->solver_type);
    c->solver_order = json_read_int(&r, "solver_order", 0, 1, 8);
    c->lower_order_final = read_toggle(&r, "lower_order_final");
    c->euler_at_final = json_read_bool(&r, "euler_at_final", false);
    json_read_text(&r, "final_sigmas_type", "", c->final_sigmas_type, sizeof c->final_sigmas_type);
    json_read_text(&r, "variance_type", "", c->variance_type, sizeof c->variance_type);
    int err = json_reader_close(&r);
    if (err) {
        free(c->trained_betas);
        c->trained_betas = NULL;
    }
    return err;
}
