/* SPDX-License-Identifier: MIT */
#include "pipeline/denoise.h"

#include "pipeline/dump.h"
#include "pipeline/residency.h"
#include "pipeline/script.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t slot_bytes(const passes *x) { return (uint64_t)x->slots.c * 4; }

/* Reads slot i and writes it as a dump; waits for the queue. */
static int dump_slot(sdcl *s, const sdcl_job *j, int slot, const char *format, int number)
{
    int err = 0;
    const passes *x = &s->shape;
    char name[64];
    if (!j->dump) return 0;
    float *values = malloc((size_t)slot_bytes(x));
    if (!values) return FAIL(SDCL_ENOMEM, "out of memory");
    snprintf(name, sizeof name, format, number);
    TRY(ocl_read(s->o, x->memory, x->at_slots + (uint64_t)slot * slot_bytes(x), slot_bytes(x), values));
    TRY(dump_nchw(j->dump, name, values, x->pictures, x->h, x->w, x->channels));
out:
    free(values);
    return err;
}

/* slot 0 = noise * sigma. */
static int start(sdcl *s, const sdcl_job *j, const sampler *steps, noise *n)
{
    int err = 0;
    const passes *x = &s->shape;
    float sigma = (float)sampler_init_noise_sigma(steps);
    noise_draw(n);
    TRY(dump_f32(j->dump, "noise", n->nchw, 4, (int[]){x->pictures, x->channels, x->h, x->w}));
    for (int i = 0; i < x->slots.c; i++) n->nhwc[i] *= sigma;
    TRY(ocl_write(s->o, x->memory, x->at_slots, slot_bytes(x), n->nhwc));
    TRY(dump_slot(s, j, SLOT_STATE, "latent_init", 0));
out:
    return err;
}

static int dump_timesteps(const sdcl_job *j, const sampler *steps)
{
    int count = sampler_evaluations(steps);
    if (!j->dump) return 0;
    float *t = malloc((size_t)count * sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < count; i++) t[i] = (float)sampler_timestep(steps, i);
    int err = dump_f32(j->dump, "timesteps", t, 1, &count);
    free(t);
    return err;
}

/* The model's output for a slot, of evaluation `index`; its input scale is element `scale` of values. */
static int evaluate(sdcl *s, int slot, int index, cl_mem values, uint64_t scale)
{
    int err = 0;
    passes *x = &s->shape;
    plan *plans[2] = {x->unet[0].p, x->unet[1].p};
    uint64_t latents = x->at_slots / 4 + (uint64_t)slot * (uint64_t)x->slots.c,
             each = (uint64_t)x->slots.c / (uint64_t)x->pictures;
    for (int k = 0; k < x->unet_count; k++) {
        const unet_pass *u = &x->unet[k];
        plan_bind(u->p, u->latent, x->memory, latents);
        plan_bind(u->p, u->time, x->memory, x->at_time / 4 + images(x->time_rows, index % TIMES_TOGETHER, 1).off);
        plan_bind(u->p, u->scale, values, scale);
    }
    if (x->unet_count > 1) TRY(ocl_join(s->o, 0, 1));
    for (int turn = 0; turn < x->unet_turns; turn++) {
        int row = turn * x->unet[0].eps.n;
        if (x->unet_turns > 1) {
            passes_bind_rows(x, 0, row);
            plan_bind(x->unet[0].p, x->unet[0].latent, x->memory, latents + (uint64_t)(row % x->pictures) * each);
        }
        TRY(plans_run(plans, x->unet_count));
    }
    if (x->unet_count > 1) TRY(ocl_join(s->o, 1, 0));
out:
    return err;
}

/* Step i begins, or after the last one: all before it has ended. Of a benchmark only, where steps must not run into each other. */
static int mark_time(sdcl *s, int i)
{
    if (!s->evaluation_ends) return 0;
    int err = ocl_finish(s->o);
    s->evaluation_ends[i] = seconds_now();
    return err;
}

/* A run's script, and its numbers on the device: programs, then timesteps to a multiple of TIMES_TOGETHER, then input scales. */
typedef struct loop {
    script run;
    cl_mem values;
    uint64_t timesteps, scales; /* where they begin: elements of values */
    cl_event before;            /* the end of the evaluation before */
    double begin;
} loop;

static int loop_open(loop *l, sdcl *s, const sdcl_job *j, sampler *steps)
{
    int err = 0;
    l->begin = seconds_now();
    TRY(script_build(&l->run, steps, j->cfg_scale, j->dump != NULL));
    static const float none[TIMES_TOGETHER]; /* timesteps after the last one */
    uint64_t count = (uint64_t)l->run.evaluation_count;
    l->timesteps = (uint64_t)l->run.program_count * SCHEDULER_PROGRAM;
    l->scales = l->timesteps + (count + TIMES_TOGETHER - 1) / TIMES_TOGETHER * TIMES_TOGETHER;
    TRY(ocl_buffer_new(s->o, &l->values, (l->scales + count) * 4));
    TRY(ocl_write(s->o, l->values, 0, l->timesteps * 4, l->run.programs));
    TRY(ocl_write(s->o, l->values, l->timesteps * 4, count * 4, l->run.timesteps));
    TRY(ocl_write(s->o, l->values, (l->timesteps + count) * 4, (l->scales - l->timesteps - count) * 4, none));
    TRY(ocl_write(s->o, l->values, l->scales * 4, count * 4, l->run.scales));
out:
    return err;
}

static void loop_close(loop *l, sdcl *s, int err)
{
    ocl_fence_wait(s->o, &l->before);
    if (err) ocl_finish(s->o); /* what is still under way reads `values` */
    if (l->values) ocl_buffer_free(s->o, &l->values);
    script_free(&l->run);
}

static void report(const loop *l, const sdcl *s, int done, int first, int pictures)
{
    session_progress(s, "unet", done, l->run.evaluation_count, seconds_now() - l->begin, first, pictures);
}

/* Time embeddings of this evaluation and those after it. The ones before are done with: see evaluate. */
static int embed_times(const loop *l, sdcl *s, int index)
{
    passes *x = &s->shape;
    plan_bind(x->time, x->timesteps, l->values, l->timesteps + (uint64_t)index);
    return plan_run(x->time);
}

/* The host is one evaluation ahead: the device never waits for it, and progress and Ctrl-C stay honest. */
static int evaluate_next(loop *l, sdcl *s, const script_item *item)
{
    int err = 0;
    cl_event now = NULL;
    TRY(mark_time(s, item->index));
    if (item->index % TIMES_TOGETHER == 0) TRY(embed_times(l, s, item->index));
    TRY(evaluate(s, item->slot, item->index, l->values, l->scales + (uint64_t)item->index));
    TRY(ocl_fence(s->o, &now));
    err = ocl_fence_wait(s->o, &l->before);
    l->before = now;
out:
    return err;
}

static int run_item(loop *l, sdcl *s, const sdcl_job *j, const script_item *item, noise *n, int first)
{
    int err = 0;
    passes *x = &s->shape;
    switch (item->kind) {
    case SCRIPT_EVALUATE:
        TRY(session_cancelled(s));
        report(l, s, item->index, first, j->count);
        TRY(evaluate_next(l, s, item));
        break;
    case SCRIPT_COMBINE:
        plan_bind(x->scheduler, x->program, l->values, (uint64_t)item->index * SCHEDULER_PROGRAM);
        TRY(plan_run(x->scheduler));
        break;
    case SCRIPT_NOISE:
        noise_draw(n);
        TRY(ocl_write(s->o, x->memory, x->at_slots + SLOT_NOISE * slot_bytes(x), slot_bytes(x), n->nhwc));
        break;
    case SCRIPT_STEP_END:
        TRY(dump_slot(s, j, SLOT_MODEL, "eps_%03d", item->index));
        TRY(dump_slot(s, j, SLOT_STATE, "latent_%03d", item->index));
        break;
    }
out:
    return err;
}

int denoise(sdcl *s, const sdcl_job *j, sampler *steps, noise *n, int first)
{
    int err = 0;
    loop l = {0};
    TRY(residency_enter(s, PHASE_UNET));
    TRY(loop_open(&l, s, j, steps));
    TRY(start(s, j, steps, n));
    TRY(dump_timesteps(j, steps));
    for (int i = 0; i < l.run.count; i++) TRY(run_item(&l, s, j, &l.run.items[i], n, first));
    TRY(ocl_fence_wait(s->o, &l.before));
    TRY(mark_time(s, l.run.evaluation_count));
    report(&l, s, l.run.evaluation_count, first, j->count);
out:
    loop_close(&l, s, err);
    return err;
}
