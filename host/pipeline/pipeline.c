/* SPDX-License-Identifier: MIT */
/* prompt -> tokens -> context -> latents -> pixels. */
#include "pipeline/pipeline.h"

#include "pipeline/denoise.h"
#include "pipeline/dump.h"
#include "pipeline/residency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_guided(const sdcl_job *j) { return j->cfg_scale > 1; }

/* Plans, and what will be on the device when. */
static int prepare(sdcl *s, const sdcl_job *j, int pictures)
{
    int err = 0, factor = session_factor(s);
    TRY(passes_prepare(s, pictures, is_guided(j), j->height / factor, j->width / factor));
    TRY(residency_decide(s, j->last && pictures == j->count));
out:
    return err;
}

int pipeline_load(sdcl *s, const sdcl_job *j, int pictures, timing *t)
{
    int err = 0;
    double begin = seconds_now();
    TRY(prepare(s, j, pictures));
    if (ocl_library_waits(s->o)) {
        session_progress(s, "compile", 0, 0, 0, 0, 0);
        session_log(s, SDCL_INFO,
                    "CLBlast compiles for %s: up to half a minute the first time, then as long as the driver takes to "
                    "find it in its cache",
                    s->device.info.name);
        TRY(ocl_library_warm(s->o));
    }
    if (!ocl_built_within(s->o, 0.3)) {
        session_progress(s, "compile", 0, 0, 0, 0, 0);
        session_log(s, SDCL_INFO, "compiling kernels for %s: a few seconds, once", s->device.info.name);
    }
    TRY(session_first_use(s));
    TRY(passes_allocate(s));
    TRY(residency_load(s));
    TRY(ocl_build_wait(s->o));
    t->load += seconds_now() - begin;
out:
    return err;
}

static int warn_lost(const sdcl *s, const char *which, const strbuf *lost)
{
    if (lost->failed) return FAIL(SDCL_ENOMEM, "out of memory");
    if (lost->n)
        session_log(s, SDCL_WARNING, "the %s is longer than %d tokens; this was cut off: %s", which,
                    model_clip(s->m)->positions - 2, strbuf_text(lost));
    return 0;
}

int pipeline_encode(sdcl *s, const sdcl_job *j, int first, timing *t)
{
    int err = 0, positions = model_clip(s->m)->positions, width = model_clip(s->m)->hidden;
    const passes *x = &s->shape;
    uint64_t row = (uint64_t)positions * (uint64_t)width * 4;
    strbuf lost = {0}, lost_negative = {0};
    double loaded = s->memory.seconds, begin;
    int32_t *ids = malloc(2 * (size_t)positions * sizeof *ids);
    float *rows = malloc(2 * (size_t)row); /* embeddings, then the context */
    if (!ids || !rows) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    TRY(residency_enter(s, PHASE_TEXT));
    begin = seconds_now();
    session_progress(s, "text", 0, 0, 0, first, j->count);
    TRY(tokenizer_encode_padded(s->words, j->negative, ids, positions, &lost_negative));
    TRY(tokenizer_encode_padded(s->words, j->prompt, ids + positions, positions, &lost));
    if (!first) {
        TRY(warn_lost(s, "negative prompt", &lost_negative));
        TRY(warn_lost(s, "prompt", &lost));
    }
    TRY(dump_i32(j->dump, "tokens", ids, 2, (int[]){2, positions}));
    TRY(clip_embed(&s->text, ids, 2, positions, rows));
    TRY(ocl_write(s->o, x->memory, x->at_embeddings, 2 * row, rows));
    TRY(plan_run(x->text));
    TRY(ocl_finish(s->o));
    double between = seconds_now();
    TRY(residency_enter_prologue(s));
    begin += seconds_now() - between;
    for (int i = 0; i < x->conditions.n; i++) {
        int source = x->guided && i < x->pictures ? 0 : 1;
        TRY(ocl_copy(s->o, x->memory, x->at_conditions + (uint64_t)i * row, x->memory,
                     x->at_context + (uint64_t)source * row, row));
    }
    TRY(plan_run(x->prologue));
    if (j->dump) {
        TRY(ocl_read(s->o, x->memory, x->at_context, 2 * row, rows));
        TRY(dump_f32(j->dump, "context", rows, 3, (int[]){2, positions, width}));
    }
    TRY(ocl_finish(s->o));
    t->text += seconds_now() - begin;
    s->busy_seconds += seconds_now() - begin;
    t->load += s->memory.seconds - loaded;
out:
    free(ids);
    free(rows);
    strbuf_free(&lost);
    strbuf_free(&lost_negative);
    return err;
}

int pipeline_decode(sdcl *s, int i, unsigned char *rgb, float *unit)
{
    int err = 0;
    passes *x = &s->shape;
    uint64_t values = (uint64_t)rows_of(x->rgb) * 3, len = (uint64_t)x->slots.c / (uint64_t)x->pictures;
    TRY(residency_enter(s, PHASE_VAE));
    double begin = seconds_now();
    plan_bind(x->vae, x->vae_latent, x->memory, x->at_slots / 4 + (uint64_t)i * len);
    TRY(plan_run(x->vae));
    TRY(ocl_read(s->o, x->memory, x->at_rgb, values, rgb));
    TRY(ocl_read(s->o, x->memory, x->at_unit, values * 4, unit));
    s->busy_seconds += seconds_now() - begin;
    for (uint64_t k = 0; k < values && !err; k++)
        if (isnan(unit[k])) {
            err = FAIL(SDCL_ERESULT, "the picture is not finite after decoding");
            error_hint(s->activation == F16 ? "--precision f32"
                                            : "sdcl inspect tells what the model is; sdcl devices: try another device");
        }
out:
    return err;
}

static int run_batch(sdcl *s, const sdcl_job *j, sampler *steps, int first, sdcl_image_fn *each, void *user, timing *t)
{
    int err = 0;
    const passes *x = &s->shape;
    noise n = {0};
    size_t values = (size_t)rows_of(x->rgb) * 3;
    unsigned char *rgb = malloc(values);
    size_t kept = j->dump ? values : 0; /* of unit, for each picture */
    float *unit = malloc((values + kept * (size_t)(x->pictures - 1)) * sizeof *unit);
    double loaded = s->memory.seconds;
    if (!rgb || !unit) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    TRY(noise_open(&n, j->seeds + first, x->pictures, j->compat == SDCL_COMPAT_DIFFUSERS, x->h * x->w, x->channels));
    TRY(residency_enter(s, PHASE_UNET));
    double begin = seconds_now();
    TRY(denoise(s, j, steps, &n, first));
    t->unet = seconds_now() - begin;
    s->busy_seconds += t->unet;
    TRY(residency_done(s, PHASE_UNET));
    TRY(residency_enter(s, PHASE_VAE));
    t->load += s->memory.seconds - loaded;
    for (int i = 0; i < x->pictures; i++) {
        double decoding = seconds_now();
        TRY(session_cancelled(s));
        session_progress(s, "vae", i, x->pictures, 0, first + i, j->count);
        TRY(pipeline_decode(s, i, rgb, unit + (size_t)i * kept));
        t->vae = seconds_now() - decoding;
        sdcl_image image = {.width = j->width,
                            .height = j->height,
                            .index = first + i,
                            .count = j->count,
                            .seed = j->compat == SDCL_COMPAT_DIFFUSERS ? j->seeds[0] : j->seeds[first + i],
                            .rgb = rgb,
                            .sampler = j->sampler,
                            .schedule = j->schedule,
                            .precision = s->precision_name,
                            .steps = j->steps,
                            .cfg_scale = j->cfg_scale,
                            .seconds_load = t->load,
                            .seconds_text = t->text,
                            .seconds_unet = t->unet,
                            .seconds_vae = t->vae,
                            .seconds_total = seconds_now() - t->begin,
                            .peak_device_bytes = ocl_bytes_peak(s->o)};
        if (each) TRY(each(user, &image));
    }
    TRY(dump_f32(j->dump, "image", unit, 4, (int[]){x->pictures, j->height, j->width, 3}));
out:
    noise_close(&n);
    free(rgb);
    free(unit);
    return err;
}

/* Pictures that go through the UNet together with picture `first`: all of them where they are one stream of noise or one set of dumps. */
static int batch_size(const sdcl_job *j, int first)
{
    bool whole = j->dump || j->compat == SDCL_COMPAT_DIFFUSERS;
    return whole || j->count - first < BATCH_MAX ? j->count - first : BATCH_MAX;
}

int sdcl_generate(sdcl *s, const sdcl_job *job, sdcl_image_fn *each, void *user)
{
    int err = 0;
    sdcl_job j = *job;
    sampler *steps = NULL;
    timing t = {.begin = seconds_now()};
    TRY(sdcl_job_resolve(s, &j));
    sampler_params p = {j.sampler, j.schedule, j.steps, j.eta, model_scheduler(s->m)};
    TRY(sampler_open(&steps, &p));
    TRY(dump_open(j.dump));
    for (int first = 0, n; first < j.count; first += n) {
        n = batch_size(&j, first);
        TRY(session_cancelled(s));
        bool same = s->shape.memory && s->shape.pictures == n && s->shape.guided == is_guided(&j) && first;
        TRY(pipeline_load(s, &j, n, &t));
        if (!same) TRY(pipeline_encode(s, &j, first, &t));
        TRY(residency_done(s, PHASE_TEXT));
        TRY(run_batch(s, &j, steps, first, each, user, &t));
        TRY(residency_done(s, PHASE_VAE));
    }
out:
    sampler_close(&steps);
    return err;
}

int sdcl_dry_run(sdcl *s, const sdcl_job *job, sdcl_memory *m)
{
    int err = 0;
    sdcl_job j = *job;
    const passes *x = &s->shape;
    TRY(sdcl_job_resolve(s, &j));
    TRY(prepare(s, &j, batch_size(&j, 0)));
    *m = (sdcl_memory){.text_weights = residency_weights(s, PHASE_TEXT),
                       .text_arena = residency_arena(s, PHASE_TEXT),
                       .unet_weights = residency_weights(s, PHASE_UNET),
                       .unet_arena = residency_arena(s, PHASE_UNET),
                       .vae_weights = residency_weights(s, PHASE_VAE),
                       .vae_arena = residency_arena(s, PHASE_VAE),
                       .vae_tile = x->vae_strip,
                       .io = x->memory_bytes,
                       .budget = s->memory.budget,
                       .swapped = s->memory.mode == HOLD_PHASE,
                       .peak = residency_peak(s, s->memory.mode)};
out:
    return err;
}
