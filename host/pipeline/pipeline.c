/* SPDX-License-Identifier: MIT */
/* The stages of a job: prompt -> tokens -> context, latents -> pixels; and what they need. */
#include "pipeline/pipeline.h"

#include "pipeline/dump.h"
#include "pipeline/residency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_guided(const sdcl_job *j) { return j->cfg_scale > 1; }

static residency_mode wanted(const sdcl_job *j, int pictures)
{
    return j->last && pictures == j->count ? HOLD_NEEDED : HOLD_ALL;
}

/* Plans, and what will be on the device when. */
static int prepare(sdcl *s, const sdcl_job *j, int pictures, residency_mode mode)
{
    int err = 0, factor = session_factor(s);
    TRY(passes_prepare(s, pictures, is_guided(j), j->height / factor, j->width / factor));
    TRY(residency_decide(s, mode));
out:
    return err;
}

/* Memory and weights, unless they are there. */
static int load_all(sdcl *s)
{
    int err = 0;
    TRY(passes_allocate(s));
    TRY(residency_load(s));
out:
    return err;
}

/* What takes longer than this is no program from the driver's cache. */
#define COMPILE_SECONDS 0.3

static void tell_compiling(const sdcl *s)
{
    session_progress(s, "compile", 0, 0, 0, 0, 0);
    session_log(s, SDCL_INFO, "compiling kernels for %s: a few seconds, once", s->device.info.name);
}

static int load(sdcl *s, const sdcl_job *j, int pictures, residency_mode mode, timing *t)
{
    int err = 0;
    bool told = false;
    double begin = seconds_now();
    proof *unproven = NULL;
    TRY(prepare(s, j, pictures, mode));
    ocl_build_start(s->o);
    TRY(session_unproven(s, &unproven));
    /* While kernels are built; but what is tried out before it is used has memory of its own, and what a dry run said is not for both. */
    if (!unproven && !ocl_library_waits(s->o)) {
        told = !weights_built_within(s->unet_weights, COMPILE_SECONDS);
        if (told) tell_compiling(s);
        TRY(load_all(s));
    }
    if (ocl_library_waits(s->o)) {
        session_progress(s, "compile", 0, 0, 0, 0, 0);
        session_log(s, SDCL_INFO,
                    "CLBlast compiles for %s: up to half a minute the first time, then as long as the driver takes to "
                    "find it in its cache",
                    s->device.info.name);
        TRY(ocl_library_warm(s->o));
    }
    if (!told && !ocl_built_within(s->o, NULL, COMPILE_SECONDS)) tell_compiling(s);
    if (unproven) TRY(session_prove(s, unproven));
    TRY(load_all(s));
    TRY(ocl_build_wait(s->o));
    t->load += seconds_now() - begin;
out:
    proof_close(&unproven);
    if (err && err != SDCL_EINTERRUPTED) passes_free(s); /* the next job asks for its kernels again */
    return err;
}

int pipeline_load(sdcl *s, const sdcl_job *j, int pictures, timing *t)
{
    return load(s, j, pictures, wanted(j, pictures), t);
}

int pipeline_load_decoder(sdcl *s, const sdcl_job *j, int pictures, timing *t)
{
    int err = 0;
    TRY(load(s, j, pictures, HOLD_PHASE, t));
    double loaded = s->memory.seconds;
    TRY(residency_enter(s, PHASE_VAE));
    t->load += s->memory.seconds - loaded;
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

/* ids: the negative prompt's row, then the prompt's. What does not fit is told once a job. */
static int tokenize(sdcl *s, const sdcl_job *j, bool tell, int32_t *ids, int positions)
{
    int err = 0;
    strbuf lost = {0}, lost_negative = {0};
    TRY(tokenizer_encode_padded(s->words, j->negative, ids, positions, &lost_negative));
    TRY(tokenizer_encode_padded(s->words, j->prompt, ids + positions, positions, &lost));
    if (tell) {
        TRY(warn_lost(s, "negative prompt", &lost_negative));
        TRY(warn_lost(s, "prompt", &lost));
    }
    TRY(dump_i32(j->dump, "tokens", ids, 2, (int[]){2, positions}));
out:
    strbuf_free(&lost);
    strbuf_free(&lost_negative);
    return err;
}

/* Keys and values for every row of the UNet: those of guidance without the prompt first. row: bytes of a context. */
static int run_prologue(sdcl *s, uint64_t row)
{
    int err = 0;
    const passes *x = &s->shape;
    for (int i = 0; i < x->conditions.n; i++) {
        int source = x->guided && i < x->pictures ? 0 : 1;
        TRY(ocl_copy(s->o, x->memory, x->at_conditions + (uint64_t)i * row, x->memory,
                     x->at_context + (uint64_t)source * row, row));
    }
    TRY(plan_run(x->prologue));
out:
    return err;
}

int pipeline_encode(sdcl *s, const sdcl_job *j, int first, timing *t)
{
    int err = 0, positions = model_clip(s->m)->positions, width = model_clip(s->m)->hidden;
    const passes *x = &s->shape;
    uint64_t row = (uint64_t)positions * (uint64_t)width * 4;
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
    TRY(tokenize(s, j, !first, ids, positions));
    TRY(clip_embed(&s->text, ids, 2, positions, rows));
    TRY(ocl_write(s->o, x->memory, x->at_embeddings, 2 * row, rows));
    TRY(plan_run(x->text));
    TRY(ocl_finish(s->o));
    double between = seconds_now();
    TRY(residency_enter_prologue(s));
    begin += seconds_now() - between;
    TRY(run_prologue(s, row));
    if (j->dump) {
        TRY(ocl_read(s->o, x->memory, x->at_context, 2 * row, rows));
        TRY(dump_f32(j->dump, "context", rows, 3, (int[]){2, positions, width}));
    }
    TRY(ocl_finish(s->o));
    s->shape.encoded = true;
    t->text += seconds_now() - begin;
    s->busy_seconds += seconds_now() - begin;
    t->load += s->memory.seconds - loaded;
out:
    free(ids);
    free(rows);
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
            error_hint("sdcl inspect tells what the model is; sdcl devices: try another device");
        }
out:
    return err;
}

int sdcl_dry_run(sdcl *s, const sdcl_job *job, sdcl_memory *m)
{
    int err = 0;
    sdcl_job j = *job;
    const passes *x = &s->shape;
    TRY(sdcl_job_resolve(s, &j));
    TRY(prepare(s, &j, pipeline_batch(&j, 0), wanted(&j, pipeline_batch(&j, 0))));
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
