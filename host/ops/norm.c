/* SPDX-License-Identifier: MIT */
/* Group normalisation (statistics, apply) and layer normalisation. */
#include "ops/launch.h"

#define GROUPNORM_PARTIAL_TUNE(P)                                                                                      \
    P(WG, 64, "1 16 32 64 128 256", "work-items over the channels, VW channels each")                                  \
    P(ROWS, 64, "16 32 64 128 256", "rows of a slab")                                                                  \
    P(VW, 8, "8 16", "floats of a vector")                                                                             \
    P(NV, 1, "1 2 4", "vectors of a work-item, side by side")
OCL_KERNEL(groupnorm_partial, GROUPNORM_PARTIAL_TUNE)

#define NORM_APPLY_TUNE(P)                                                                                             \
    P(WG, 64, "1 16 32 64 128 256", "work-items over the channels, VW channels each")                                  \
    P(ROWS, 8, "1 4 8 16 32 64", "rows a work-item walks over")                                                        \
    P(VW, 8, "8 16", "floats of a vector")
OCL_KERNEL(norm_apply, NORM_APPLY_TUNE)

#define LAYERNORM_TUNE(P)                                                                                              \
    P(WG, 64, "1 16 32 64 128 256", "work-items per row")                                                              \
    P(ROWS, 1, "1 4 8 16 32", "rows of a work-group")                                                                  \
    P(VW, 8, "8 16", "floats of a vector")
OCL_KERNEL(layernorm, LAYERNORM_TUNE)

static const ocl_section groupnorm_finish_section = {"groupnorm_finish", NULL, 0, 0, NULL};

/* Work-groups over c channels, `each` an item; on a CPU (WG = 1) one item walks over all of them. */
static size_t channel_groups(int wg, int each, int c) { return wg == 1 ? 1 : ceil_div(c, each * wg); }

static ocl_shape rows_and_channels(tensor x) { return (ocl_shape){x.h * x.w, x.c, 0}; }

/* --- statistics --- */

enum { STATS_NORM, STATS_X, STATS_GAMMA, STATS_BETA, STATS_OPERANDS };

typedef struct stats_params {
    int groups;
    float eps;
} stats_params;

typedef struct stats_state {
    struct groupnorm_partial_tune tune;
    int slabs;
    tensor part;
} stats_state;

static int stats_prepare(plan *p, step *s)
{
    int err = 0;
    tensor x = s->t[STATS_X];
    stats_state *st = plan_step_alloc(p, sizeof *st);
    if (!st) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = st;
    TRY(tune_values(p, &groupnorm_partial_kernel, plan_activation(p), s->shape, &st->tune));
    st->slabs = (int)ceil_div(x.h * x.w, st->tune.ROWS);
    st->part = plan_scratch(p, F32, x.n, st->slabs, 2, x.c);
    TRY(op_kernel(p, &s->kernel[0], &groupnorm_partial_kernel, &st->tune, "-DXT=%s", dtype_option_name(x.dt)));
    TRY(op_kernel(p, &s->kernel[1], &groupnorm_finish_section, NULL, "-DXT=F32"));
out:
    return err;
}

static int stats_launch(plan *p, const step *s)
{
    int err = 0;
    const stats_state *st = s->state;
    const stats_params *v = s->params;
    tensor x = s->t[STATS_X];
    int hw = x.h * x.w;
    args a = {0}, b = {0};
    arg_tensor(&a, p, st->part, x);
    arg_tensor(&a, p, x, x);
    arg_int(&a, hw);
    arg_int(&a, x.c);
    arg_int(&a, x.ld);
    TRY(args_run(&a, p, s->kernel[0], s->module, (size_t)st->slabs,
                 channel_groups(st->tune.WG, st->tune.VW * st->tune.NV, x.c), (size_t)x.n, (size_t)st->tune.WG, 1));
    arg_tensor(&b, p, s->t[STATS_NORM], x);
    arg_tensor(&b, p, st->part, x);
    arg_tensor(&b, p, s->t[STATS_GAMMA], x);
    arg_tensor(&b, p, s->t[STATS_BETA], x);
    arg_int(&b, hw);
    arg_int(&b, x.c);
    arg_int(&b, v->groups);
    arg_int(&b, st->slabs);
    arg_int(&b, st->tune.ROWS);
    arg_float(&b, v->eps);
    TRY(args_run(&b, p, s->kernel[1], s->module, (size_t)v->groups, (size_t)x.n, 1, 1, 1));
out:
    return err;
}

static const impl stats_impl = {.name = "slabs", .prepare = stats_prepare, .launch = stats_launch};
static const impl *const stats_impls[] = {&stats_impl, NULL};
static const op stats_op = {"groupnorm", NULL, stats_impls, NULL};

int op_groupnorm_stats(plan *p, tensor norm, tensor x, tensor gamma, tensor beta, int groups, float eps)
{
    stats_params v = {groups, eps};
    step s = {.op = &stats_op,
              .shape = rows_and_channels(x),
              .operands = STATS_OPERANDS,
              .t = {norm, x, gamma, beta},
              .role = {ROLE_OUT}};
    if (groups < 1 || x.c % groups || gamma.c != x.c || beta.c != x.c)
        return FAIL(SDCL_EMODEL, "%s: groupnorm of %d channels in %d groups with %d and %d parameters", plan_scope(p),
                    x.c, groups, gamma.c, beta.c);
    if (norm.n != x.n || norm.w != 2 || norm.c != x.c || norm.dt != F32)
        return FAIL(SDCL_EINTERNAL, "%s: groupnorm: norm has the wrong shape", plan_scope(p));
    return plan_add(p, &s, &v, sizeof v);
}

/* --- apply --- */

enum { APPLY_Y, APPLY_X, APPLY_NORM, APPLY_OPERANDS };

static int apply_prepare(plan *p, step *s)
{
    int err = 0;
    struct norm_apply_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &norm_apply_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &norm_apply_kernel, t, "-DXT=%s -DYT=%s", dtype_option_name(s->t[APPLY_X].dt),
                  dtype_option_name(s->t[APPLY_Y].dt)));
out:
    return err;
}

static int apply_launch(plan *p, const step *s)
{
    const struct norm_apply_tune *t = s->state;
    tensor y = s->t[APPLY_Y], x = s->t[APPLY_X];
    args a = {0};
    arg_tensor(&a, p, y, y);
    arg_tensor(&a, p, x, x);
    arg_tensor(&a, p, s->t[APPLY_NORM], x);
    arg_int(&a, rows_of(x));
    arg_int(&a, x.h * x.w);
    arg_int(&a, x.c);
    arg_int(&a, x.ld);
    arg_int(&a, y.ld);
    arg_int(&a, *(const int *)s->params);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(rows_of(x), t->ROWS), channel_groups(t->WG, t->VW, x.c), 1,
                    (size_t)t->WG, 1);
}

static const impl apply_impl = {.name = "rows", .prepare = apply_prepare, .launch = apply_launch};
static const impl *const apply_impls[] = {&apply_impl, NULL};
static const op apply_op = {"norm_apply", NULL, apply_impls, NULL};

int op_norm_apply(plan *p, tensor y, tensor x, tensor norm, bool silu)
{
    int with_silu = silu;
    step s = {.op = &apply_op,
              .shape = rows_and_channels(x),
              .operands = APPLY_OPERANDS,
              .t = {y, x, norm},
              .role = {ROLE_OUT},
              .in_place = true};
    if (!same_shape(y, x) || norm.n != x.n || norm.w != 2 || norm.c != x.c)
        return FAIL(SDCL_EINTERNAL, "%s: norm_apply: shapes differ", plan_scope(p));
    return plan_add(p, &s, &with_silu, sizeof with_silu);
}

/* --- layernorm --- */

enum { LN_Y, LN_X, LN_GAMMA, LN_BETA, LN_OPERANDS };

static int layernorm_prepare(plan *p, step *s)
{
    int err = 0;
    struct layernorm_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &layernorm_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &layernorm_kernel, t, "-DXT=%s -DYT=%s", dtype_option_name(s->t[LN_X].dt),
                  dtype_option_name(s->t[LN_Y].dt)));
out:
    return err;
}

static int layernorm_launch(plan *p, const step *s)
{
    const struct layernorm_tune *t = s->state;
    tensor y = s->t[LN_Y], x = s->t[LN_X];
    args a = {0};
    arg_tensor(&a, p, y, y);
    arg_tensor(&a, p, x, x);
    arg_tensor(&a, p, s->t[LN_GAMMA], x);
    arg_tensor(&a, p, s->t[LN_BETA], x);
    arg_int(&a, rows_of(x));
    arg_int(&a, x.c);
    arg_int(&a, x.ld);
    arg_int(&a, y.ld);
    arg_float(&a, *(const float *)s->params);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(rows_of(x), t->ROWS), 1, 1, (size_t)t->WG, 1);
}

static const impl layernorm_impl = {.name = "rows", .prepare = layernorm_prepare, .launch = layernorm_launch};
static const impl *const layernorm_impls[] = {&layernorm_impl, NULL};
static const op layernorm_op = {"layernorm", NULL, layernorm_impls, NULL};

int op_layernorm(plan *p, tensor y, tensor x, tensor gamma, tensor beta, float eps)
{
    step s = {.op = &layernorm_op,
              .shape = rows_and_channels(x),
              .operands = LN_OPERANDS,
              .t = {y, x, gamma, beta},
              .role = {ROLE_OUT},
              .in_place = true};
    if (!same_shape(y, x) || gamma.c != x.c || beta.c != x.c)
        return FAIL(SDCL_EMODEL, "%s: layernorm of %d channels with %d and %d parameters", plan_scope(p), x.c, gamma.c,
                    beta.c);
    return plan_add(p, &s, &eps, sizeof eps);
}
