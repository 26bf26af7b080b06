/* SPDX-License-Identifier: MIT */
/* A job, batch by batch.
 *
 * What is not finite is never a picture. Halves overflow above 65504: a stage that ends so below f32 is computed again in f32, and only then is the picture
 * given up, and the others are drawn all the same. Each is the picture that it would be alone: a batch with one like that is drawn one by one. */
#include "pipeline/denoise.h"
#include "pipeline/dump.h"
#include "pipeline/pipeline.h"
#include "pipeline/residency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct generation {
    sdcl *s;
    const sdcl_job *j;
    sampler *steps;
    sdcl_image_fn *each;
    void *user;
    timing t;
    int retries; /* of the pictures at hand */
    int delivered, failed;
    char why[256], hint[256]; /* of the first failed picture */
} generation;

/* Buffers of a batch. */
typedef struct batch {
    int first, n;
    noise noise;
    float *latents;     /* slot 0 */
    size_t len, values; /* of one latent; of one picture */
    unsigned char *rgb; /* one picture */
    float *unit;        /* one picture, or all of them for a dump */
} batch;

/* Is the batch a whole that cannot be drawn picture by picture? */
static bool whole(const sdcl_job *j) { return j->dump || j->compat == SDCL_COMPAT_DIFFUSERS; }

static uint64_t seed_of(const sdcl_job *j, int i) { return j->seeds[j->compat == SDCL_COMPAT_DIFFUSERS ? 0 : i]; }

int pipeline_batch(const sdcl_job *j, int first)
{
    return whole(j) || j->count - first < BATCH_MAX ? j->count - first : BATCH_MAX;
}

static int batch_open(batch *b, const generation *g, int first, int n)
{
    const passes *x = &g->s->shape;
    *b = (batch){.first = first, .n = n, .len = (size_t)x->slots.c / (size_t)n, .values = (size_t)rows_of(x->rgb) * 3};
    b->latents = malloc((size_t)n * b->len * sizeof *b->latents);
    b->rgb = malloc(b->values);
    b->unit = malloc((g->j->dump ? (size_t)n : 1) * b->values * sizeof *b->unit);
    if (!b->latents || !b->rgb || !b->unit) return FAIL(SDCL_ENOMEM, "out of memory");
    return noise_open(&b->noise, g->j->seeds + first, n, g->j->compat == SDCL_COMPAT_DIFFUSERS, x->h * x->w,
                      x->channels);
}

static void batch_close(batch *b)
{
    noise_close(&b->noise);
    free(b->latents);
    free(b->rgb);
    free(b->unit);
}

static bool latent_finite(const batch *b, int i)
{
    for (size_t k = 0; k < b->len; k++)
        if (!isfinite(b->latents[(size_t)i * b->len + k])) return false;
    return true;
}

static bool all_finite(const batch *b)
{
    for (int i = 0; i < b->n; i++)
        if (!latent_finite(b, i)) return false;
    return true;
}

static int sample(generation *g, batch *b)
{
    int err = 0;
    sdcl *s = g->s;
    double loaded = s->memory.seconds;
    TRY(residency_enter(s, PHASE_UNET));
    double begin = seconds_now();
    TRY(denoise(s, g->j, g->steps, &b->noise, b->first));
    g->t.unet = seconds_now() - begin;
    s->busy_seconds += g->t.unet;
    TRY(ocl_read(s->o, s->shape.memory, s->shape.at_slots, (size_t)b->n * b->len * sizeof *b->latents, b->latents));
    TRY(residency_done(s, PHASE_UNET));
    TRY(residency_enter(s, PHASE_VAE));
    g->t.load += s->memory.seconds - loaded;
out:
    return err;
}

static void tell_retry(const generation *g, const char *stage, dtype precision)
{
    session_log(g->s, SDCL_WARNING, "not finite after %s in %s: again in f32, as --precision f32 does at once", stage,
                precision_word(precision));
}

/* Plans with that decoder, and the latents in their place again. */
static int decode_in(generation *g, const batch *b, dtype vae)
{
    int err = 0;
    sdcl *s = g->s;
    session_compute_in(s, s->precision, vae);
    if (s->shape.vae_precision == vae) return 0;
    TRY(pipeline_load(s, g->j, b->n, &g->t));
    TRY(residency_done(s, PHASE_TEXT));
    TRY(residency_done(s, PHASE_UNET));
    TRY(ocl_write(s->o, s->shape.memory, s->shape.at_slots, (size_t)b->n * b->len * sizeof *b->latents, b->latents));
out:
    return err;
}

static int decode(generation *g, batch *b, int i)
{
    int err = 0;
    sdcl *s = g->s;
    dtype asked = s->vae_precision;
    float *unit = b->unit + (g->j->dump ? (size_t)i * b->values : 0);
    err = pipeline_decode(s, i, b->rgb, unit);
    if (err != SDCL_ERESULT || asked == F32) return err;
    tell_retry(g, "decoding", asked);
    g->retries++;
    err = decode_in(g, b, F32);
    if (!err) err = pipeline_decode(s, i, b->rgb, unit);
    session_compute_in(s, s->precision, asked);
    return err;
}

/* The thread's last error is what became of picture i of the job. */
static void give_up(generation *g, int i)
{
    if (!g->failed++) {
        snprintf(g->why, sizeof g->why, "%s", sdcl_last_error());
        snprintf(g->hint, sizeof g->hint, "%s", sdcl_last_hint());
    }
    if (g->j->count > 1)
        session_log(g->s, SDCL_WARNING, "picture %d, seed %llu: %s", i + 1, (unsigned long long)seed_of(g->j, i),
                    sdcl_last_error());
}

static int finish_picture(generation *g, batch *b, int i)
{
    int err = 0;
    sdcl *s = g->s;
    const sdcl_job *j = g->j;
    double begin = seconds_now();
    int retries = g->retries;
    TRY(session_cancelled(s));
    session_progress(s, "vae", i, b->n, 0, b->first + i, j->count);
    TRY(decode_in(g, b, s->vae_precision));
    if (!latent_finite(b, i)) {
        FAIL(SDCL_ERESULT, "the latent is not finite after sampling");
        error_hint("sdcl selftest, or sdcl devices: try another device");
        give_up(g, b->first + i);
        goto out;
    }
    err = decode(g, b, i);
    if (err == SDCL_ERESULT) {
        give_up(g, b->first + i);
        err = 0;
        goto out;
    }
    if (err) goto out;
    g->t.vae = seconds_now() - begin;
    sdcl_image image = {.width = j->width,
                        .height = j->height,
                        .index = b->first + i,
                        .count = j->count,
                        .seed = seed_of(j, b->first + i),
                        .rgb = b->rgb,
                        .sampler = j->sampler,
                        .schedule = j->schedule,
                        .precision = s->precision_name,
                        .steps = j->steps,
                        .cfg_scale = j->cfg_scale,
                        .seconds_load = g->t.load,
                        .seconds_text = g->t.text,
                        .seconds_unet = g->t.unet,
                        .seconds_vae = g->t.vae,
                        .seconds_total = seconds_now() - g->t.begin,
                        .peak_device_bytes = ocl_bytes_peak(s->o),
                        .nan_retries = g->retries};
    g->delivered++;
    if (g->each) TRY(g->each(g->user, &image));
out:
    g->retries = retries;
    return err;
}

static int draw(generation *g, int first, int n);

/* A batch with a latent that is not finite: its pictures one by one, or, where there is one or they are a whole, in f32. */
static int draw_again(generation *g, const batch *b)
{
    int err = 0;
    dtype asked = g->s->precision;
    if (b->n > 1 && !whole(g->j)) {
        for (int i = 0; i < b->n; i++) TRY(draw(g, b->first + i, 1));
        goto out;
    }
    tell_retry(g, "sampling", asked);
    g->retries++;
    session_compute_in(g->s, F32, F32);
    err = draw(g, b->first, b->n);
    session_compute_in(g->s, asked, asked);
    g->retries--;
out:
    return err;
}

static int draw(generation *g, int first, int n)
{
    int err = 0;
    batch b = {0};
    TRY(session_cancelled(g->s));
    TRY(pipeline_load(g->s, g->j, n, &g->t));
    if (!first || !g->s->shape.encoded) TRY(pipeline_encode(g->s, g->j, first, &g->t));
    TRY(residency_done(g->s, PHASE_TEXT));
    TRY(batch_open(&b, g, first, n));
    TRY(sample(g, &b));
    if (!all_finite(&b) && ((n > 1 && !whole(g->j)) || g->s->precision != F32)) {
        TRY(draw_again(g, &b));
        goto out;
    }
    for (int i = 0; i < n; i++) TRY(finish_picture(g, &b, i));
    if (g->j->dump && !g->failed)
        TRY(dump_f32(g->j->dump, "image", b.unit, 4, (int[]){n, g->j->height, g->j->width, 3}));
    TRY(residency_done(g->s, PHASE_VAE));
out:
    batch_close(&b);
    return err;
}

int sdcl_generate(sdcl *s, const sdcl_job *job, sdcl_image_fn *each, void *user)
{
    int err = 0;
    sdcl_job j = *job;
    generation g = {.s = s, .j = &j, .each = each, .user = user, .t = {.begin = seconds_now()}};
    TRY(sdcl_job_resolve(s, &j));
    sampler_params p = {j.sampler, j.schedule, j.steps, j.eta, model_scheduler(s->m)};
    TRY(sampler_open(&g.steps, &p));
    TRY(dump_open(j.dump));
    for (int first = 0, n; first < j.count; first += n) {
        n = pipeline_batch(&j, first);
        TRY(draw(&g, first, n));
    }
    if (!g.failed) goto out;
    err = g.delivered ? FAIL(SDCL_EPARTIAL, "%d of %d pictures failed: %s", g.failed, j.count, g.why)
                      : FAIL(SDCL_ERESULT, "%s", g.why);
    if (*g.hint) error_hint("%s", g.hint);
out:
    sampler_close(&g.steps);
    return err;
}
