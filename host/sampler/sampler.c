/* SPDX-License-Identifier: MIT */
/* Opening a sampler (user's wish, model's config and class default become one setup) and walking along its script. */
#include "sampler/sampler.h"

#include "base/error.h"
#include "sampler/sampler_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const sampler_kind *const kinds[] = {
#define SAMPLER_ENTRY(name) &sampler_##name,
    SAMPLERS(SAMPLER_ENTRY)
#undef SAMPLER_ENTRY
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static const sampler_kind *find_kind(const char *name)
{
    for (int i = 0; i < KIND_COUNT; i++)
        if (!strcmp(kinds[i]->name, name)) return kinds[i];
    return NULL;
}

const char *sampler_name(int i) { return i >= 0 && i < KIND_COUNT ? kinds[i]->name : NULL; }

const char *sampler_a1111(const char *name)
{
    const sampler_kind *k = find_kind(name);
    return k ? k->a1111 : NULL;
}

static bool spacing_named(spacing *s, const char *name)
{
    static const char *const names[] = {
        [SPACING_LEADING] = "leading", [SPACING_TRAILING] = "trailing", [SPACING_LINSPACE] = "linspace"};
    for (int i = SPACING_LEADING; i <= SPACING_LINSPACE; i++) {
        if (strcmp(names[i], name)) continue;
        *s = (spacing)i;
        return true;
    }
    return false;
}

/* timestep_spacing and use_..._sigmas, then the user's schedule over them. */
static int resolve_schedule(sampler_setup *p, const sampler_kind *k, const char *schedule)
{
    const scheduler_config *c = p->config;
    bool karras = !strcmp(schedule, "karras");
    if (karras && !k->has_spread) {
        int err = FAIL(SDCL_EUSAGE, "sampler '%s' has no schedule '%s'", k->name, schedule);
        error_hint("--schedule default, trailing, leading or linspace");
        return err;
    }
    p->spacing = k->spacing;
    if (*c->timestep_spacing && !spacing_named(&p->spacing, c->timestep_spacing))
        return FAIL(SDCL_EMODEL, "scheduler: unknown timestep_spacing '%s'", c->timestep_spacing);
    if (!karras && strcmp(schedule, "default") && !spacing_named(&p->spacing, schedule))
        return FAIL(SDCL_EUSAGE, "unknown schedule '%s'", schedule);

    if (karras) {
        p->spread = SPREAD_KARRAS;
    } else if (k->has_spread) {
        if (c->use_beta_sigmas) return FAIL(SDCL_EMODEL, "scheduler: use_beta_sigmas is not supported");
        if (c->use_karras_sigmas && c->use_exponential_sigmas)
            return FAIL(SDCL_EMODEL, "scheduler: use_karras_sigmas and use_exponential_sigmas exclude each other");
        bool even_in_log = c->use_exponential_sigmas || (c->use_lu_lambdas && k->has_lu_lambdas);
        p->spread = c->use_karras_sigmas ? SPREAD_KARRAS : even_in_log ? SPREAD_EXPONENTIAL : SPREAD_NONE;
    }
    return 0;
}

static int resolve_config(sampler_setup *p, const sampler_kind *k)
{
    const scheduler_config *c = p->config;
    if (!strcmp(c->prediction_type, "epsilon")) p->prediction = PREDICT_EPSILON;
    else if (!strcmp(c->prediction_type, "v_prediction")) p->prediction = PREDICT_V;
    else if (!strcmp(c->prediction_type, "sample") && k->has_sample_prediction) p->prediction = PREDICT_SAMPLE;
    else return FAIL(SDCL_EMODEL, "scheduler: sampler '%s' has no prediction_type '%s'", k->name, c->prediction_type);

    if (c->thresholding && k->has_thresholding) return FAIL(SDCL_EMODEL, "scheduler: thresholding is not supported");

    if (k->has_final_sigma) {
        p->final_sigma_min = !strcmp(c->final_sigmas_type, "sigma_min");
        if (*c->final_sigmas_type && !p->final_sigma_min && strcmp(c->final_sigmas_type, "zero"))
            return FAIL(SDCL_EMODEL, "scheduler: unknown final_sigmas_type '%s'", c->final_sigmas_type);
    }
    return noise_schedule_open(&p->noise, c, c->rescale_betas_zero_snr ? k->zero_snr : ZERO_SNR_OFF);
}

static int resolve(sampler_setup *p, const sampler_kind *k, const sampler_params *params)
{
    int err = 0;
    if (!(params->eta >= 0 && params->eta <= 1)) return FAIL(SDCL_EUSAGE, "eta is %g, expected 0 .. 1", params->eta);
    if (params->eta > 0 && !k->has_eta) return FAIL(SDCL_EUSAGE, "sampler '%s' has no eta", k->name);
    *p = (sampler_setup){.config = params->config, .steps = params->steps, .eta = params->eta};
    TRY(resolve_schedule(p, k, params->schedule));
    if (p->steps < 1 || p->steps > p->config->train_timesteps)
        return FAIL(SDCL_EUSAGE, "%d steps: expected 1 .. %d, the model's training timesteps", p->steps,
                    p->config->train_timesteps);
    TRY(resolve_config(p, k));
out:
    return err;
}

int sampler_open(sampler **out_sampler, const sampler_params *params)
{
    int err = 0;
    sampler_setup setup = {0};
    sampler *s = NULL;
    *out_sampler = NULL;
    const sampler_kind *k = find_kind(params->name);
    if (!k) {
        err = FAIL(SDCL_EUSAGE, "unknown sampler '%s'", params->name);
        goto out;
    }
    TRY(resolve(&setup, k, params));
    s = calloc(1, sizeof *s);
    if (!s) {
        err = FAIL(SDCL_ENOMEM, "sampler: no memory");
        goto out;
    }
    s->init_noise_sigma = 1;
    s->slots = SLOT_FREE;
    TRY(k->build(s, &setup));
    if (s->no_memory) err = FAIL(SDCL_ENOMEM, "sampler: no memory for %d steps", setup.steps);
    else if (s->not_finite || !isfinite(s->init_noise_sigma))
        err = FAIL(SDCL_EMODEL, "scheduler: sampler '%s' cannot start from the noise level of this schedule", k->name);
out:
    noise_schedule_close(&setup.noise);
    if (err) sampler_close(&s);
    *out_sampler = s;
    return err;
}

void sampler_close(sampler **s)
{
    if (!s || !*s) return;
    free((*s)->actions);
    free(*s);
    *s = NULL;
}

double sampler_init_noise_sigma(const sampler *s) { return s->init_noise_sigma; }
int sampler_evaluations(const sampler *s) { return s->evaluations; }
int sampler_slots(const sampler *s) { return s->slots; }
bool sampler_draws_noise(const sampler *s) { return s->draws_noise; }

double sampler_timestep(const sampler *s, int evaluation)
{
    for (int i = 0; i < s->count; i++)
        if (s->actions[i].kind == ACTION_EVALUATE && !evaluation--) return s->actions[i].timestep;
    return NAN;
}

void sampler_next(sampler *s, action *a)
{
    *a = s->next < s->count ? s->actions[s->next++] : (action){.kind = ACTION_DONE};
}

void sampler_restart(sampler *s) { s->next = 0; }

int sampler_for_class(const scheduler_config *c, const char **name, const char **schedule)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i]->class_name, c->class_name)) continue;
        *name = kinds[i]->name;
        *schedule = "default";
        return 0;
    }
    int err = FAIL(SDCL_EMODEL, "the model's scheduler %s is not one of ours", c->class_name);
    error_hint("name one with --sampler");
    return err;
}
