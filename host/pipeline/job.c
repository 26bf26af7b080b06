/* SPDX-License-Identifier: MIT */
/* Jobs: defaults and what a model or sampler refuses. */
#include "pipeline/session.h"

#include <math.h>
#include <string.h>

enum { PIXELS_MAX = 8192, STEPS_MAX = 1000, PICTURES_MAX = 100000 };

void sdcl_job_init(sdcl_job *j) { *j = (sdcl_job){.prompt = "", .negative = "", .cfg_scale = 7.5, .count = 1}; }

static int resolve_size(const sdcl *s, sdcl_job *j)
{
    int factor = session_factor(s), own = model_unet(s->m)->sample_size * factor;
    int *sides[] = {&j->width, &j->height};
    for (int i = 0; i < 2; i++) {
        int side = *sides[i], below = side / factor * factor;
        if (!side) *sides[i] = own;
        else if (side < 0 || side > PIXELS_MAX || side % factor) {
            int err = FAIL(SDCL_EUSAGE, "%s %d: expected a multiple of %d from %d to %d", i ? "height" : "width", side,
                           factor, factor, PIXELS_MAX);
            if (side > 0 && side < PIXELS_MAX)
                error_hint("the nearest are %d and %d", below ? below : factor, below + factor);
            return err;
        }
    }
    return 0;
}

/* Sampler and schedule: as given, else the model's own scheduler under compat, else DPM++ 2M Karras. */
static int resolve_sampler(const sdcl *s, sdcl_job *j)
{
    int err = 0;
    const char *implied = NULL;
    if (!j->sampler && j->compat == SDCL_COMPAT_DIFFUSERS)
        TRY(sampler_for_class(model_scheduler(s->m), &j->sampler, &implied));
    else if (!j->sampler) {
        j->sampler = "dpmpp_2m";
        implied = "karras";
    } else {
        const char *asked = j->sampler;
        j->sampler = sampler_canonical(asked, &implied);
        if (!j->sampler) {
            err = FAIL(SDCL_EUSAGE, "sampler %s: not in this version", asked);
            error_hint("euler, euler_a, dpmpp_2m, ddim, plms");
            goto out;
        }
        if (!implied && !strcmp(j->sampler, "dpmpp_2m") && j->compat == SDCL_COMPAT_NONE) implied = "karras";
    }
    if (!j->schedule) j->schedule = implied ? implied : "default";
out:
    return err;
}

int sdcl_job_resolve(sdcl *s, sdcl_job *j)
{
    int err = 0;
    sampler *trial = NULL;
    if (!j->prompt || !j->negative)
        return FAIL(SDCL_EUSAGE, "a job needs a prompt and a negative prompt; \"\" is valid");
    if (j->count < 1 || j->count > PICTURES_MAX || !j->seeds)
        return FAIL(SDCL_EUSAGE, "%d pictures: expected 1 to %d, with seeds", j->count, PICTURES_MAX);
    if (!isfinite(j->cfg_scale) || fabs(j->cfg_scale) > 1000)
        return FAIL(SDCL_EUSAGE, "cfg scale %g: out of range", j->cfg_scale);
    if (!j->steps) j->steps = j->compat == SDCL_COMPAT_DIFFUSERS ? 50 : 20;
    if (j->steps < 1 || j->steps > STEPS_MAX)
        return FAIL(SDCL_EUSAGE, "%d steps: expected 1 to %d", j->steps, STEPS_MAX);
    TRY(resolve_size(s, j));
    TRY(resolve_sampler(s, j));
    sampler_params p = {j->sampler, j->schedule, j->steps, j->eta, model_scheduler(s->m)};
    TRY(sampler_open(&trial, &p));
out:
    sampler_close(&trial);
    return err;
}
