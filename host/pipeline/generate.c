/* SPDX-License-Identifier: MIT */
/* A job, batch by batch.
 *
 * What is not finite is never a picture. Halves overflow above 65504: a stage that ends so below f32 is computed again in f32, and only then, or where f32
 * needs more memory than there is, the picture is given up, and the others are drawn all the same. Each is the picture that it would be alone: a batch with a
 * latent like that is drawn one by one, and a decoder in f32 only gets the pictures that overflowed, after all others. */
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
    int retries; /* of the batch at hand, before it was sampled */
    int delivered, failed;
    char why[256], hint[256]; /* of the first failed picture */
} generation;

/* Buffers of a batch. */
typedef struct batch {
    int first, n;
    noise noise;
    float *latents;     /* slot 0 */
    size_t len, values; /* of one latent; of one picture */
    unsigned char *rgb; /* all pictures */
    float *unit;        /* one picture, or all of them for a dump */
    bool *overflowed;   /* the picture, below f32 */
    double *seconds;    /* of the picture's decoding */
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
    b->rgb = malloc((size_t)n * b->values);
    b->unit = malloc((g->j->dump ? (size_t)n : 1) * b->values * sizeof *b->unit);
    b->overflowed = calloc((size_t)n, sizeof *b->overflowed);
    b->seconds = calloc((size_t)n, sizeof *b->seconds);
    if (!b->latents || !b->rgb || !b->unit || !b->overflowed || !b->seconds) return FAIL(SDCL_ENOMEM, "out of memory");
    return noise_open(&b->noise, g->j->seeds + first, n, g->j->compat == SDCL_COMPAT_DIFFUSERS, x->h * x->w,
                      x->channels);
}

static void batch_close(batch *b)
{
    noise_close(&b->noise);
    free(b->latents);
    free(b->rgb);
    free(b->unit);
    free(b->overflowed);
    free(b->seconds);
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

static int deliver(generation *g, const batch *b, int i)
{
    const sdcl *s = g->s;
    const sdcl_job *j = g->j;
    sdcl_image image = {.width = j->width,
                        .height = j->height,
                        .index = b->first + i,
                        .count = j->count,
                        .seed = seed_of(j, b->first + i),
                        .rgb = b->rgb + (size_t)i * b->values,
                        .sampler = j->sampler,
                        .schedule = j->schedule,
                        .precision = s->precision_name,
                        .steps = j->steps,
                        .cfg_scale = j->cfg_scale,
                        .seconds_load = g->t.load,
                        .seconds_text = g->t.text,
                        .seconds_unet = g->t.unet,
                        .seconds_vae = b->seconds[i],
                        .seconds_total = seconds_now() - g->t.begin,
                        .peak_device_bytes = ocl_bytes_peak(s->o),
                        .nan_retries = g->retries + b->overflowed[i]};
    g->delivered++;
    return g->each ? g->each(g->user, &image) : 0;
}

/* SDCL_ERESULT: latent or picture are not finite. */
static int decode(generation *g, batch *b, int i)
{
    int err = 0;
    double begin = seconds_now();
    float *unit = b->unit + (g->j->dump ? (size_t)i * b->values : 0);
    TRY(session_cancelled(g->s));
    session_progress(g->s, "vae", i, b->n, 0, b->first + i, g->j->count);
    if (!latent_finite(b, i)) {
        err = FAIL(SDCL_ERESULT, "the latent is not finite after sampling");
        error_hint("sdcl selftest, or sdcl devices: try another device");
        goto out;
    }
    TRY(pipeline_decode(g->s, i, b->rgb + (size_t)i * b->values, unit));
out:
    b->seconds[i] += seconds_now() - begin;
    return err;
}

/* A decoder in f32, and the latents in their place again. */
static int load_f32(generation *g, const batch *b)
{
    int err = 0;
    sdcl *s = g->s;
    if (s->shape.vae && s->shape.vae_precision == F32) return 0;
    TRY(pipeline_load_decoder(s, g->j, b->n, &g->t));
    TRY(ocl_write(s->o, s->shape.memory, s->shape.at_slots, (size_t)b->n * b->len * sizeof *b->latents, b->latents));
out:
    if (err) passes_free(s);
    return err;
}

/* Picture i overflowed. *drawn: now it did not. A failure to load is the picture's only where memory is short. */
static int decode_again(generation *g, batch *b, int i, bool *drawn)
{
    tell_retry(g, "decoding", g->s->precision);
    int err = load_f32(g, b);
    if (err && err != SDCL_ENOMEM) return err;
    if (!err) err = decode(g, b, i);
    *drawn = !err;
    if (err != SDCL_ENOMEM && err != SDCL_ERESULT) return err;
    give_up(g, b->first + i);
    return 0;
}

/* What is left of a batch once one of its pictures has overflowed; the order stays. */
static int finish_in_f32(generation *g, batch *b, int from)
{
    int err = 0;
    dtype asked = g->s->vae_precision;
    session_compute_in(g->s, g->s->precision, F32);
    for (int i = from; i < b->n; i++) {
        bool drawn = true;
        if (b->overflowed[i]) TRY(decode_again(g, b, i, &drawn));
        if (drawn) TRY(deliver(g, b, i));
    }
out:
    session_compute_in(g->s, g->s->precision, asked);
    return err;
}

static int finish(generation *g, batch *b)
{
    int err = 0, waiting = b->n; /* the first picture that is not delivered as soon as it is decoded */
    bool full = g->s->vae_precision == F32;
    for (int i = 0; i < b->n; i++) {
        err = decode(g, b, i);
        if (err && err != SDCL_ERESULT) goto out;
        b->overflowed[i] = err && !full;
        if (b->overflowed[i] && waiting == b->n) waiting = i;
        if (err && full) give_up(g, b->first + i);
        else if (waiting == b->n) TRY(deliver(g, b, i));
        err = 0;
    }
    if (waiting < b->n) TRY(finish_in_f32(g, b, waiting));
out:
    return err;
}

static int draw(generation *g, int first, int n);

/* A batch with a latent that is not finite: its pictures one by one, or, where there is one or they are a whole, in f32. */
static int draw_again(generation *g, const batch *b)
{
    int err = 0, finished = g->delivered + g->failed;
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
    if (err == SDCL_ENOMEM && g->delivered + g->failed == finished) { /* f32 needs more than there is */
        for (int i = 0; i < b->n; i++) give_up(g, b->first + i);
        err = 0;
    }
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
    TRY(finish(g, &b));
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
