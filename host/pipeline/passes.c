/* SPDX-License-Identifier: MIT */
/* The plans of a shape, and the memory they share. */
#include "pipeline/residency.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that something takes in passes.memory. */
static uint64_t placed(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

static uint64_t place(passes *x, uint64_t bytes)
{
    uint64_t at = x->memory_bytes;
    x->memory_bytes += placed(bytes);
    return at;
}

static int new_plan(sdcl *s, plan **p, const char *name)
{
    int err = plan_new(p, s->o, name);
    if (!err) plan_set_precision(*p, p == &s->shape.vae ? s->vae_precision : s->precision);
    return err;
}

static int finish_plan(plan *p)
{
    int err = plan_lower(p);
    return err ? err : plan_place(p);
}

static int build_text(sdcl *s, passes *x)
{
    int err = 0;
    const clip_config *c = model_clip(s->m);
    TRY(new_plan(s, &x->text, "text"));
    x->embeddings = plan_external(x->text, F32, 2, 1, c->positions, c->hidden);
    x->context = plan_external(x->text, F32, 2, 1, c->positions, c->hidden);
    TRY(clip_forward(x->text, &s->text, x->embeddings, x->context));
    TRY(finish_plan(x->text));
    uint64_t bytes = 2 * (uint64_t)c->positions * (uint64_t)c->hidden * 4;
    x->at_embeddings = place(x, bytes);
    x->at_context = place(x, bytes);
out:
    return err;
}

/* Keys and values of the context for every cross-attention layer: once a prompt. */
static int build_prologue(sdcl *s, passes *x, int rows)
{
    int err = 0;
    const clip_config *c = model_clip(s->m);
    TRY(new_plan(s, &x->prologue, "prologue"));
    x->kv_count = unet_cross_layers(&s->net);
    x->prologue_kv = calloc((size_t)x->kv_count, sizeof *x->prologue_kv);
    if (!x->prologue_kv) return FAIL(SDCL_ENOMEM, "out of memory");
    x->conditions = plan_external(x->prologue, F32, rows, 1, c->positions, c->hidden);
    for (int i = 0; i < x->kv_count; i++)
        x->prologue_kv[i] = plan_external(x->prologue, s->activation, rows, 1, c->positions,
                                          unet_cross_width(&s->net, i));
    TRY(unet_prologue_forward(x->prologue, &s->net, x->conditions, x->prologue_kv));
    TRY(finish_plan(x->prologue));
    x->at_conditions = place(x, (uint64_t)rows * (uint64_t)c->positions * (uint64_t)c->hidden * 4);
    x->at_kv = x->memory_bytes;
    for (int i = 0; i < x->kv_count; i++)
        place(x, (uint64_t)rows * (uint64_t)c->positions * (uint64_t)x->prologue_kv[i].c *
                     (uint64_t)dtype_size(s->activation));
out:
    return err;
}

static int build_time(sdcl *s, passes *x)
{
    int err = 0, width = unet_time_width(&s->net);
    TRY(new_plan(s, &x->time, "unet"));
    x->timesteps = plan_external(x->time, F32, TIMES_TOGETHER, 1, 1, 1);
    x->time_rows = plan_external(x->time, F32, TIMES_TOGETHER, 1, 1, width);
    TRY(unet_time_forward(x->time, &s->net, x->timesteps, x->time_rows));
    TRY(finish_plan(x->time));
    x->at_time = place(x, (uint64_t)TIMES_TOGETHER * (uint64_t)width * 4);
out:
    return err;
}

/* rows of one pass: a whole batch, one half of guidance, or a piece of a half; pictures whose latents it reads. */
static int build_pass(sdcl *s, const passes *x, unet_pass *u, int rows, int pictures, int queue)
{
    int err = 0;
    TRY(new_plan(s, &u->p, "unet"));
    plan_set_queue(u->p, queue);
    u->kv = calloc((size_t)x->kv_count, sizeof *u->kv);
    if (!u->kv) return FAIL(SDCL_ENOMEM, "out of memory");
    u->latent = plan_external(u->p, F32, pictures, x->h, x->w, x->channels);
    u->scale = plan_external(u->p, F32, 1, 1, 1, 1);
    u->time = plan_external(u->p, F32, 1, 1, 1, x->time_rows.c);
    u->eps = plan_external(u->p, F32, rows, x->h, x->w, model_unet(s->m)->out_channels);
    for (int i = 0; i < x->kv_count; i++)
        u->kv[i] = plan_external(u->p, s->activation, rows, 1, x->prologue_kv[i].w, x->prologue_kv[i].c);
    tensor input = plan_act(u->p, rows, x->h, x->w, x->channels);
    TRY(op_scale_repeat(u->p, input, u->latent, u->scale));
    TRY(unet_forward(u->p, &s->net, input, u->time, u->kv, u->eps));
    TRY(finish_plan(u->p));
out:
    return err;
}

static void free_pass(unet_pass *u)
{
    plan_free(&u->p);
    free(u->kv);
    *u = (unet_pass){0};
}

/* On a CPU a step of a small picture is a few microseconds of work, less than it takes to wake a sleeping core: one of two cores idles. Then the two halves of
 * guidance, which share nothing but weights, run as plans of their own on two queues, and both cores always find work. */
#define SMALL_STEP_FLOPS 1e8
/* Of a large one, a batch keeps a CPU no busier than its first picture does, but no longer fits into its caches: PIECE_ROWS at a time. */
enum { PIECE_ROWS = 2 };

static int build_unet(sdcl *s, passes *x, int rows)
{
    int err = 0;
    x->channels = model_unet(s->m)->in_channels;
    x->unet_count = x->unet_turns = 1;
    TRY(build_pass(s, x, &x->unet[0], rows, x->pictures, 0));
    bool small = plan_flops(x->unet[0].p) < SMALL_STEP_FLOPS * plan_steps(x->unet[0].p);
    if (s->device.cpu && small && x->guided && ocl_units(s->o) > 1) {
        free_pass(&x->unet[0]);
        x->unet_count = 2;
        for (int i = 0; i < 2; i++) TRY(build_pass(s, x, &x->unet[i], rows / 2, x->pictures, i));
    } else if (s->device.cpu && !small && rows > PIECE_ROWS && x->pictures % PIECE_ROWS == 0) {
        free_pass(&x->unet[0]);
        x->unet_turns = rows / PIECE_ROWS;
        TRY(build_pass(s, x, &x->unet[0], PIECE_ROWS, PIECE_ROWS, 0));
    }
    x->at_eps = place(x, (uint64_t)rows * (uint64_t)x->h * (uint64_t)x->w * (uint64_t)x->unet[0].eps.c * 4);
out:
    return err;
}

static int build_scheduler(sdcl *s, passes *x, int rows)
{
    int err = 0, len = x->pictures * x->h * x->w * x->channels;
    TRY(new_plan(s, &x->scheduler, "sampler"));
    x->slots = plan_external(x->scheduler, F32, SCHEDULER_SLOTS, 1, 1, len);
    x->pred = plan_external(x->scheduler, F32, rows / x->pictures, 1, 1, len);
    x->program = plan_external(x->scheduler, F32, 1, 1, 1, SCHEDULER_PROGRAM);
    TRY(op_scheduler(x->scheduler, x->slots, x->pred, x->program));
    TRY(finish_plan(x->scheduler));
    x->at_slots = place(x, (uint64_t)SCHEDULER_SLOTS * (uint64_t)len * 4);
out:
    return err;
}

/* One picture at a time: the decoder's activations are the largest of all. */
static int build_vae(sdcl *s, passes *x, int strip)
{
    int err = 0, factor = session_factor(s), height = x->h * factor, width = x->w * factor;
    plan_free(&x->vae);
    weights_forget_layouts(s->vae_weights);
    TRY(new_plan(s, &x->vae, "vae"));
    x->vae_strip = vae_strip_of(&s->decoder, x->h, strip);
    x->vae_latent = plan_external(x->vae, F32, 1, x->h, x->w, x->channels);
    x->vae_scale = plan_external(x->vae, F32, 1, 1, 1, 1);
    x->rgb = plan_external(x->vae, U8, 1, height, width, 3);
    x->unit = plan_external(x->vae, F32, 1, height, width, 3);
    tensor input = plan_act(x->vae, 1, x->h, x->w, x->channels),
           decoded = plan_tensor(x->vae, F32, 1, height, width, 3);
    TRY(op_scale_repeat(x->vae, input, x->vae_latent, x->vae_scale));
    TRY(vae_decode_forward(x->vae, &s->decoder, input, decoded, x->vae_strip));
    TRY(op_image(x->vae, x->rgb, x->unit, decoded));
    TRY(finish_plan(x->vae));
out:
    return err;
}

/* Rows of the latent in a strip: the higher, the less is computed twice. */
static const int strip_choices[] = {64, 32, 16, 8, 4};

/* As the user says, or whole where that fits into the budget and the device's buffers, else in the highest strips that do. */
static int choose_vae(sdcl *s, passes *x)
{
    int said = s->params.vae_tile, err = build_vae(s, x, said > 0 ? said : 0);
    size_t n = sizeof strip_choices / sizeof *strip_choices;
    uint64_t pixels = (uint64_t)rows_of(x->rgb);
    x->at_rgb = place(x, pixels * 3);
    x->at_unit = place(x, pixels * 3 * 4);
    x->at_scalars = place(x, 4);
    for (size_t i = 0; i < n && !said && (err == SDCL_ENOMEM || (!err && !residency_fits(s, PHASE_VAE))); i++)
        if (vae_strip_of(&s->decoder, x->h, strip_choices[i])) err = build_vae(s, x, strip_choices[i]);
    if (!err && !said && x->vae_strip)
        session_log(s, SDCL_VERBOSE, "the picture is decoded in strips of %d pixels", x->vae_strip * session_factor(s));
    return err;
}

static void log_plan(const sdcl *s, const char *name, const plan *p, int times)
{
    session_log(s, SDCL_VERBOSE, "%s: %d x %d steps, %.2f GFLOP, %.1f MB of activations", name, times, plan_steps(p),
                times * plan_flops(p) * 1e-9, times * (double)plan_arena_bytes(p) * 1e-6);
    if (plan_gave_way(p)) session_log(s, SDCL_WARNING, "%s", plan_gave_way(p));
}

/* Shapes are of ints. pixels: of the latents of all rows. */
static int countable(const sdcl *s, int pictures, uint64_t pixels)
{
    if (pixels * (uint64_t)model_unet(s->m)->in_channels <= INT32_MAX) return 0;
    int err = FAIL(SDCL_ENOMEM, "%d pictures of this size are too many for one run", pictures);
    error_hint("fewer pictures at once, or smaller ones");
    return err;
}

int passes_prepare(sdcl *s, int pictures, bool guided, int h, int w)
{
    int err = 0, rows = guided ? 2 * pictures : pictures;
    passes *x = &s->shape;
    if (x->vae && x->pictures == pictures && x->guided == guided && x->h == h && x->w == w &&
        x->precision == s->precision && x->vae_precision == s->vae_precision)
        return 0;
    passes_free(s);
    TRY(countable(s, pictures, (uint64_t)rows * (uint64_t)h * (uint64_t)w));
    weights_forget_layouts(s->text_weights);
    weights_forget_layouts(s->unet_weights);
    weights_forget_layouts(s->vae_weights);
    x->pictures = pictures;
    x->guided = guided;
    x->precision = s->precision;
    x->vae_precision = s->vae_precision;
    x->h = h;
    x->w = w;
    TRY(build_text(s, x));
    TRY(build_prologue(s, x, rows));
    TRY(build_time(s, x));
    TRY(build_unet(s, x, rows));
    TRY(build_scheduler(s, x, rows));
    TRY(choose_vae(s, x));
    if (x->memory_bytes > s->device.info.max_alloc_bytes) {
        err = FAIL(SDCL_ENOMEM,
                   "%d pictures together need a buffer of %.1f MB for their inputs and outputs; %s allows %.1f MB",
                   pictures, (double)x->memory_bytes / 1e6, s->device.info.name,
                   (double)s->device.info.max_alloc_bytes / 1e6);
        error_hint("fewer pictures at once, or smaller ones");
        goto out;
    }
    log_plan(s, "text", x->text, 1);
    log_plan(s, "unet", x->unet[0].p, x->unet_count * x->unet_turns);
    log_plan(s, "vae", x->vae, 1);
out:
    if (err) passes_free(s);
    return err;
}

/* Keys and values of the cross-attention layers, from a row of the batch on: those that the prologue writes and the UNet reads. */
static void bind_kv(const passes *x, plan *p, const tensor *kv, int row)
{
    uint64_t at = x->at_kv;
    for (int i = 0; i < x->kv_count; i++) {
        tensor t = x->prologue_kv[i];
        uint64_t size = (uint64_t)dtype_size(t.dt);
        plan_bind(p, kv[i], x->memory, at / size + images(t, row, 1).off);
        at += placed((uint64_t)rows_of(t) * (uint64_t)t.c * size);
    }
}

void passes_bind_rows(passes *x, int k, int row)
{
    const unet_pass *u = &x->unet[k];
    bind_kv(x, u->p, u->kv, row);
    plan_bind(u->p, u->eps, x->memory, x->at_eps / 4 + images(u->eps, row, 1).off);
}

static void bind_all(sdcl *s)
{
    passes *x = &s->shape;
    plan_bind(x->text, x->embeddings, x->memory, x->at_embeddings / 4);
    plan_bind(x->text, x->context, x->memory, x->at_context / 4);
    plan_bind(x->prologue, x->conditions, x->memory, x->at_conditions / 4);
    bind_kv(x, x->prologue, x->prologue_kv, 0);
    plan_bind(x->time, x->time_rows, x->memory, x->at_time / 4);
    for (int k = 0; k < x->unet_count; k++) passes_bind_rows(x, k, k * x->unet[k].eps.n);
    plan_bind(x->scheduler, x->slots, x->memory, x->at_slots / 4);
    plan_bind(x->scheduler, x->pred, x->memory, x->at_eps / 4);
    plan_bind(x->vae, x->rgb, x->memory, x->at_rgb);
    plan_bind(x->vae, x->unit, x->memory, x->at_unit / 4);
    plan_bind(x->vae, x->vae_scale, x->memory, x->at_scalars / 4);
}

int passes_allocate(sdcl *s)
{
    int err = 0;
    passes *x = &s->shape;
    float unscale = 1.0f / model_vae(s->m)->scaling_factor;
    if (x->memory) return 0;
    TRY(ocl_buffer_new(s->o, &x->memory, x->memory_bytes));
    bind_all(s);
    TRY(ocl_write(s->o, x->memory, x->at_scalars, sizeof unscale, &unscale));
out:
    return err;
}

void passes_free(sdcl *s)
{
    passes *x = &s->shape;
    residency_leave(s);
    plan_free(&x->text);
    plan_free(&x->prologue);
    plan_free(&x->time);
    free_pass(&x->unet[0]);
    free_pass(&x->unet[1]);
    plan_free(&x->scheduler);
    plan_free(&x->vae);
    free(x->prologue_kv);
    if (s->o) ocl_buffer_free(s->o, &x->memory);
    *x = (passes){0};
}
