/* SPDX-License-Identifier: MIT */
/* Group normalisation of a small image on a CPU, statistics and application in one launch: cl/groupnorm_whole_cpu.cl. */
#include "ops/norm.h"

static const ocl_tunable groupnorm_tunables[] = {
    {"whole", 128, "0 4 16 32 64 128",
     "most thousands of values of an image that one work-item of a CPU normalises, statistics and all; 0: none"},
};
const ocl_section groupnorm_section = {"groupnorm", groupnorm_tunables, 1, 0, NULL};
static const ocl_section groupnorm_whole_section = {"groupnorm_whole_cpu", NULL, 0, 0, NULL};

enum { WHOLE_Y, WHOLE_X, WHOLE_NORM, WHOLE_GAMMA, WHOLE_BETA, WHOLE_OPERANDS };

typedef struct whole_params {
    groupnorm_params stats;
    int silu;
} whole_params;

static int prepare(plan *p, step *s)
{
    int err = 0;
    tensor x = s->t[WHOLE_X];
    groupnorm_slab slab;
    tensor *part = plan_step_alloc(p, sizeof *part);
    if (!part) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = part;
    TRY(groupnorm_slab_of(p, s->shape, &slab));
    *part = plan_scratch(p, F32, x.n, (int)ceil_div(x.h * x.w, slab.rows), 2, x.c);
    TRY(op_kernel(p, &s->kernel[0], &groupnorm_whole_section, NULL, "-DXT=%s -DYT=%s -DROWS=%d -DVW=%d -DNV=%d",
                  dtype_option_name(x.dt), dtype_option_name(s->t[WHOLE_Y].dt), slab.rows, slab.vw, slab.nv));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const whole_params *v = s->params;
    tensor y = s->t[WHOLE_Y], x = s->t[WHOLE_X];
    args a = {.packed = true};
    arg_tensor(&a, p, y, y);
    arg_tensor(&a, p, x, x);
    arg_tensor(&a, p, s->t[WHOLE_NORM], x);
    arg_tensor(&a, p, *(const tensor *)s->state, x);
    arg_tensor(&a, p, s->t[WHOLE_GAMMA], x);
    arg_tensor(&a, p, s->t[WHOLE_BETA], x);
    arg_int(&a, x.h * x.w);
    arg_int(&a, x.c);
    arg_int(&a, x.ld);
    arg_int(&a, y.ld);
    arg_int(&a, v->stats.groups);
    arg_int(&a, v->silu);
    arg_float(&a, v->stats.eps);
    return args_run(&a, p, s->kernel[0], s->module, (size_t)x.n, 1, 1, 1, 1);
}

static const impl whole_impl = {.name = "whole", .prepare = prepare, .launch = launch};
static const impl *const whole_impls[] = {&whole_impl, NULL};
static const op whole_op = {"groupnorm", NULL, whole_impls, NULL};

bool groupnorm_is_small(const plan *p, tensor x)
{
    const ocl *o = plan_ocl(p);
    return ocl_device_of(o)->cpu &&
           (int64_t)x.h * x.w * x.c <=
               1000 * (int64_t)config_value(ocl_config_of(o), &groupnorm_section, NULL, OCL_ALL_SHAPES, "whole");
}

int groupnorm_whole(plan *p, tensor y, tensor x, tensor norm, const step *stats, bool silu)
{
    whole_params v = {*(const groupnorm_params *)stats->params, silu};
    step s = {.op = &whole_op,
              .shape = stats->shape,
              .operands = WHOLE_OPERANDS,
              .t = {y, x, norm, stats->t[STATS_GAMMA], stats->t[STATS_BETA]},
              .role = {ROLE_OUT, [WHOLE_NORM] = ROLE_OUT},
              .in_place = true};
    plan_take_back(p);
    return plan_add(p, &s, &v, sizeof v);
}
