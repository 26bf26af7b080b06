/* SPDX-License-Identifier: MIT */
/* Flash attention on CPU devices: cl/attention_cpu.cl. */
#include "ops/attention.h"

#define ATTENTION_CPU_TUNE(P)                                                                                          \
    P(NQ, 3, "1 2 3 4", "vectors of 16 queries of a register tile")                                                    \
    P(RR, 8, "4 6 8 12", "keys of a register tile of the scores, channels of one of the sums")                         \
    P(GQ, 8, "1 2 4 8 16", "register tiles of queries of a work-item: what the copy of a key block is spread over")    \
    P(KB, 96, "24 48 96 192", "keys of a block")
OCL_KERNEL(attention_cpu, ATTENTION_CPU_TUNE)

static bool runs_on(const ocl_device *d) { return d->cpu; }

static bool fits(const plan *p, const step *s)
{
    (void)p;
    return head_size(s) <= FLASH_CPU_HEAD_MAX;
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    struct attention_cpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &attention_cpu_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &attention_cpu_kernel, t, "-DXT=%s -DYT=%s -DD=%d",
                  dtype_option_name(s->t[ATT_Q].dt), dtype_option_name(s->t[ATT_Y].dt), head_size(s)));
out:
    return err;
}

int attention_cpu_launch(plan *p, const step *s, int lanes, int groups)
{
    const attention_params *v = s->params;
    tensor q = s->t[ATT_Q];
    int tq = tokens_of(q), tiles = (int)ceil_div(tq, lanes);
    size_t want = 2 * (size_t)ocl_units(plan_ocl(p));
    args a = {.packed = true};
    while (groups > 1 && ceil_div(tiles, groups) * (size_t)v->heads * (size_t)q.n < want) groups /= 2;
    groups = (int)ceil_div(tiles, (int)ceil_div(tiles, groups)); /* divided evenly */
    attention_args(&a, p, s);
    arg_int(&a, groups * lanes);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(tiles, groups), (size_t)v->heads, (size_t)q.n, 1, 1);
}

static int launch(plan *p, const step *s)
{
    const struct attention_cpu_tune *t = s->state;
    return attention_cpu_launch(p, s, 16 * t->NQ, t->GQ);
}

const impl attention_cpu_impl = {
    .name = "flash_cpu", .runs_on = runs_on, .fits = fits, .prepare = prepare, .launch = launch};
