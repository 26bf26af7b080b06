/* SPDX-License-Identifier: MIT */
/* Group normalisation of a small image on a CPU, statistics and application in one launch: cl/groupnorm_whole_cpu.cl. */
#include "ops/norm.h"

static const ocl_tunable groupnorm_tunables[] = {
    {"impl", 0, "auto whole slabs",
     "where statistics are applied at once: whole, one launch on a CPU; slabs, a launch for each part"},
    {"whole", 128, "0 4 16 32 64 128", "auto: most thousands of values of an image that is normalised whole; 0: none"},
};
enum { WHOLE_VALUES = sizeof groupnorm_tunables / sizeof *groupnorm_tunables };
const ocl_section groupnorm_section = {"groupnorm", groupnorm_tunables, WHOLE_VALUES, OCL_PER_SHAPE, NULL};
static const ocl_section groupnorm_whole_section = {"groupnorm_whole_cpu", NULL, 0, 0, NULL};

enum { WHOLE_Y, WHOLE_X, WHOLE_NORM, WHOLE_GAMMA, WHOLE_BETA, WHOLE_OPERANDS };

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
    const groupnorm_params *v = s->params;
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
    arg_int(&a, v->groups);
    arg_int(&a, v->next == GROUPNORM_APPLIED_SILU);
    arg_float(&a, v->eps);
    return args_run(&a, p, s->kernel[0], s->module, (size_t)x.n, 1, 1, 1, 1);
}

static bool runs_on(const ocl_device *d) { return d->cpu; }

/* Is the image so small that launches cost more than the work? */
static bool pays(const plan *p, const step *s)
{
    tensor x = s->t[WHOLE_X];
    int thousands = config_value(ocl_config_of(plan_ocl(p)), &groupnorm_section, precision_word(plan_precision(p)),
                                 s->shape, "whole");
    return (int64_t)x.h * x.w * x.c <= 1000 * (int64_t)thousands;
}

static const impl whole_impl = {
    .name = "whole", .pays = pays, .prepare = prepare, .launch = launch, .runs_on = runs_on};

int groupnorm_whole(plan *p, tensor y, tensor x, tensor norm, const step *stats, const impl *slabs, bool *done)
{
    int err = 0;
    const impl *const impls[] = {&whole_impl, slabs, NULL};
    const op choice = {"groupnorm", &groupnorm_section, impls, NULL};
    static const impl *const whole_impls[] = {&whole_impl, NULL};
    static const op whole_op = {"groupnorm", &groupnorm_section, whole_impls, NULL};
    step s = {.op = &choice,
              .shape = stats->shape,
              .operands = WHOLE_OPERANDS,
              .t = {y, x, norm, stats->t[STATS_GAMMA], stats->t[STATS_BETA]},
              .role = {ROLE_OUT, [WHOLE_NORM] = ROLE_OUT},
              .in_place = true};
    TRY(plan_choose(p, &s));
    *done = s.impl == &whole_impl;
    if (!*done) goto out;
    s.op = &whole_op;
    groupnorm_params v = *(const groupnorm_params *)stats->params;
    plan_take_back(p);
    TRY(plan_add(p, &s, &v, sizeof v));
out:
    return err;
}
