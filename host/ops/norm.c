/* SPDX-License-Identifier: MIT */
/* Group normalisation (statistics, apply) and layer normalisation. */
#include "ops/norm.h"
#include "ops/subgroup.h"

#define GROUPNORM_PARTIAL_TUNE(P)                                                                                      \
    P(WG, 64, "1 16 32 64 128 256", "work-items over the channels, VW x NV channels each")                             \
    P(ROWS, 64, "16 32 64 128 256", "rows of a slab")                                                                  \
    P(VW, 8, "8 16", "floats of a vector")                                                                             \
    P(NV, 1, "1 2 4 8", "vectors of a work-item, side by side")
OCL_KERNEL(groupnorm_partial, GROUPNORM_PARTIAL_TUNE)

#define NORM_APPLY_TUNE(P)                                                                                             \
    P(WG, 64, "1 16 32 64 128 256", "work-items over the channels, VW x NV channels each")                             \
    P(ROWS, 8, "1 4 8 16 32 64", "rows a work-item walks over")                                                        \
    P(VW, 8, "8 16", "floats of a vector")                                                                             \
    P(NV, 1, "1 2 4", "vectors of a work-item, side by side")
OCL_KERNEL(norm_apply, NORM_APPLY_TUNE)

#define LAYERNORM_TUNE(P)                                                                                              \
    P(WG, 64, "1 16 32 64 128 256", "work-items per row")                                                              \
    P(ROWS, 1, "1 4 8 16 32", "rows of a work-group")                                                                  \
    P(VW, 8, "8 16", "floats of a vector")                                                                             \
    P(NV, 1, "1 2 4", "vectors of a work-item, side by side")                                                          \
    REDUCE_TUNE(P)
OCL_KERNEL(layernorm, LAYERNORM_TUNE)

#define GROUPNORM_FINISH_TUNE(P)                                                                                       \
    P(WG, 64, "1 16 32 64 128 256", "work-items per group of channels")                                                \
    REDUCE_TUNE(P)
OCL_KERNEL(groupnorm_finish, GROUPNORM_FINISH_TUNE)

/* Work-groups over c channels, `each` an item; on a CPU (WG = 1) one item walks over all of them. */
static size_t channel_groups(int wg, int each, int c) { return wg == 1 ? 1 : ceil_div(c, each * wg); }

static ocl_shape rows_and_channels(tensor x) { return (ocl_shape){x.h * x.w, x.c, 0}; }

/* --- statistics --- */

typedef struct stats_state {
    struct groupnorm_partial_tune tune;
    struct groupnorm_finish_tune finish;
    tensor part;
} stats_state;

int groupnorm_slab_of(plan *p, ocl_shape shape, groupnorm_slab *slab)
{
    int err = 0;
    struct groupnorm_partial_tune t;
    TRY(tune_values(p, &groupnorm_partial_kernel, plan_activation(p), shape, &t));
    *slab = (groupnorm_slab){t.ROWS, t.VW, t.NV};
out:
    return err;
}

static int finish_prepare(plan *p, step *s, ocl_kernel **k, struct groupnorm_finish_tune *t)
{
    int err = 0;
    char exchange[SUBGROUP_OPTIONS] = "";
    TRY(tune_values(p, &groupnorm_finish_kernel, plan_activation(p), s->shape, t));
    t->REDUCE = t->REDUCE && subgroup_of_rows(plan_ocl(p), t->WG, exchange);
    TRY(op_kernel(p, k, &groupnorm_finish_kernel, t, "-DXT=F32 %s", exchange));
out:
    return err;
}

static int stats_prepare(plan *p, step *s)
{
    int err = 0;
    tensor x = s->t[STATS_X];
    stats_state *st = plan_step_alloc(p, sizeof *st);
    if (!st) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = st;
    TRY(tune_values(p, &groupnorm_partial_kernel, plan_activation(p), s->shape, &st->tune));
    st->part = plan_scratch(p, F32, x.n, (int)ceil_div(x.h * x.w, st->tune.ROWS), 2, x.c);
    TRY(op_kernel(p, &s->kernel[0], &groupnorm_partial_kernel, &st->tune, "-DXT=%s", dtype_option_name(x.dt)));
    TRY(finish_prepare(p, s, &s->kernel[1], &st->finish));
out:
    return err;
}

static int launch_partial(plan *p, const step *s, const struct groupnorm_partial_tune *t, tensor part, tensor x)
{
    int hw = x.h * x.w;
    args a = {0};
    arg_tensor(&a, p, part, x);
    arg_tensor(&a, p, x, x);
    arg_int(&a, hw);
    arg_int(&a, x.c);
    arg_int(&a, x.ld);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(hw, t->ROWS), channel_groups(t->WG, t->VW * t->NV, x.c),
                    (size_t)x.n, (size_t)t->WG, 1);
}

/* piece: pixels of a piece, slab: of a slab. */
static int launch_finish(plan *p, const step *s, ocl_kernel *k, const struct groupnorm_finish_tune *t,
                         const groupnorm_params *v, tensor part, int hw, int piece, int slab)
{
    tensor norm = s->t[STATS_NORM];
    args a = {0};
    arg_tensor(&a, p, norm, norm);
    arg_tensor(&a, p, part, norm);
    arg_tensor(&a, p, s->t[STATS_GAMMA], norm);
    arg_tensor(&a, p, s->t[STATS_BETA], norm);
    arg_int(&a, hw);
    arg_int(&a, norm.c);
    arg_int(&a, v->groups);
    arg_int(&a, (int)ceil_div(hw, piece) * (int)ceil_div(piece, slab));
    arg_int(&a, piece);
    arg_int(&a, slab);
    arg_float(&a, v->eps);
    return args_run(&a, p, k, s->module, (size_t)v->groups, (size_t)norm.n, 1, (size_t)t->WG, 1);
}

static int stats_launch(plan *p, const step *s)
{
    int err = 0;
    const stats_state *st = s->state;
    tensor x = s->t[STATS_X];
    int hw = x.h * x.w;
    TRY(launch_partial(p, s, &st->tune, st->part, x));
    TRY(launch_finish(p, s, s->kernel[1], &st->finish, s->params, st->part, hw, hw, st->tune.ROWS));
out:
    return err;
}

static const impl stats_impl = {.name = "slabs", .prepare = stats_prepare, .launch = stats_launch};
static const impl *const stats_impls[] = {&stats_impl, NULL};
static const op stats_op = {"groupnorm", NULL, stats_impls, NULL};

static int check_stats(const plan *p, tensor norm, int n, int c, tensor gamma, tensor beta, int groups)
{
    if (groups < 1 || c % groups || gamma.c != c || beta.c != c)
        return FAIL(SDCL_EMODEL, "%s: groupnorm of %d channels in %d groups with %d and %d parameters", plan_scope(p),
                    c, groups, gamma.c, beta.c);
    if (norm.n != n || norm.w != 2 || norm.c != c || norm.dt != F32)
        return FAIL(SDCL_EINTERNAL, "%s: groupnorm: norm has the wrong shape", plan_scope(p));
    return 0;
}

int op_groupnorm_stats(plan *p, tensor norm, tensor x, tensor gamma, tensor beta, int groups, float eps)
{
    groupnorm_params v = {groups, eps, GROUPNORM_KEPT};
    step s = {.op = &stats_op,
              .shape = rows_and_channels(x),
              .operands = STATS_OPERANDS,
              .t = {norm, x, gamma, beta},
              .role = {ROLE_OUT}};
    int err = check_stats(p, norm, x.n, x.c, gamma, beta, groups);
    return err ? err : plan_add(p, &s, &v, sizeof v);
}

/* --- statistics in pieces --- */

int op_groupnorm_begin(plan *p, groupnorm_pieces *g, tensor piece, int h)
{
    int err = 0;
    struct groupnorm_partial_tune t;
    ocl_shape shape = rows_and_channels(piece);
    if (piece.n != 1) return FAIL(SDCL_EINTERNAL, "%s: groupnorm in pieces: %d images", plan_scope(p), piece.n);
    TRY(tune_values(p, &groupnorm_partial_kernel, plan_activation(p), shape, &t));
    *g = (groupnorm_pieces){.piece = piece, .h = h, .slab = t.ROWS};
    g->part = plan_tensor(p, F32, (int)ceil_div(h, piece.h), (int)ceil_div(piece.h * piece.w, t.ROWS), 2, piece.c);
out:
    return err;
}

static int piece_prepare(plan *p, step *s)
{
    int err = 0;
    struct groupnorm_partial_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &groupnorm_partial_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &groupnorm_partial_kernel, t, "-DXT=%s", dtype_option_name(s->t[STATS_X].dt)));
out:
    return err;
}

static int piece_launch(plan *p, const step *s)
{
    return launch_partial(p, s, s->state, s->t[STATS_NORM], s->t[STATS_X]);
}

static const impl piece_impl = {.name = "slabs", .prepare = piece_prepare, .launch = piece_launch};
static const impl *const piece_impls[] = {&piece_impl, NULL};
static const op piece_op = {"groupnorm_piece", NULL, piece_impls, NULL};

int op_groupnorm_piece(plan *p, const groupnorm_pieces *g, tensor x, int y)
{
    tensor full = g->piece;
    step s = {.op = &piece_op, .shape = rows_and_channels(full), .operands = 2, .role = {ROLE_OUT}};
    int rows = g->h - y < full.h ? g->h - y : full.h;
    if (x.n != 1 || x.w != full.w || x.c != full.c || x.dt != full.dt || y % full.h || x.h != rows)
        return FAIL(SDCL_EINTERNAL, "%s: groupnorm: %d rows from %d are no piece", plan_scope(p), x.h, y);
    s.t[STATS_NORM] = images(g->part, y / full.h, 1);
    s.t[STATS_X] = x;
    return plan_add(p, &s, NULL, 0);
}

typedef struct merge_params {
    groupnorm_params stats; /* first: as of the whole */
    int hw, piece, slab;    /* pixels */
} merge_params;

static int merge_prepare(plan *p, step *s)
{
    struct groupnorm_finish_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    return finish_prepare(p, s, &s->kernel[0], t);
}

static int merge_launch(plan *p, const step *s)
{
    const merge_params *v = s->params;
    return launch_finish(p, s, s->kernel[0], s->state, &v->stats, s->t[STATS_X], v->hw, v->piece, v->slab);
}

static const impl merge_impl = {.name = "slabs", .prepare = merge_prepare, .launch = merge_launch};
static const impl *const merge_impls[] = {&merge_impl, NULL};
static const op merge_op = {"groupnorm_merge", NULL, merge_impls, NULL};

int op_groupnorm_end(plan *p, tensor norm, const groupnorm_pieces *g, tensor gamma, tensor beta, int groups, float eps)
{
    int w = g->piece.w;
    merge_params v = {{groups, eps, GROUPNORM_KEPT}, g->h * w, g->piece.h * w, g->slab};
    step s = {.op = &merge_op,
              .shape = {g->h * w, g->piece.c, 0},
              .operands = STATS_OPERANDS,
              .t = {norm, g->part, gamma, beta},
              .role = {ROLE_OUT}};
    int err = check_stats(p, norm, 1, g->piece.c, gamma, beta, groups);
    return err ? err : plan_add(p, &s, &v, sizeof v);
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
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(rows_of(x), t->ROWS),
                    channel_groups(t->WG, t->VW * t->NV, x.c), 1, (size_t)t->WG, 1);
}

static const impl apply_impl = {.name = "rows", .prepare = apply_prepare, .launch = apply_launch};
static const impl *const apply_impls[] = {&apply_impl, NULL};
static const op apply_op = {"norm_apply", NULL, apply_impls, NULL};

int op_norm_apply(plan *p, tensor y, tensor x, tensor norm, bool silu)
{
    int err = 0, with_silu = silu;
    bool done = false;
    step s = {.op = &apply_op,
              .shape = rows_and_channels(x),
              .operands = APPLY_OPERANDS,
              .t = {y, x, norm},
              .role = {ROLE_OUT},
              .in_place = true};
    if (!same_shape(y, x) || norm.n != x.n || norm.w != 2 || norm.c != x.c)
        return FAIL(SDCL_EINTERNAL, "%s: norm_apply: shapes differ", plan_scope(p));
    const step *last = plan_last(p);
    if (last && last->op == &stats_op && same_tensor(last->t[STATS_X], x) && same_tensor(last->t[STATS_NORM], norm)) {
        ((groupnorm_params *)last->params)->next = silu ? GROUPNORM_APPLIED_SILU : GROUPNORM_APPLIED;
        TRY(groupnorm_whole(p, y, x, norm, last, &stats_impl, &done));
    }
    if (!done) TRY(plan_add(p, &s, &with_silu, sizeof with_silu));
out:
    return err;
}

/* --- layernorm --- */

enum { LN_Y, LN_X, LN_GAMMA, LN_BETA, LN_OPERANDS };

static int layernorm_prepare(plan *p, step *s)
{
    int err = 0;
    char exchange[SUBGROUP_OPTIONS] = "";
    struct layernorm_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &layernorm_kernel, plan_activation(p), s->shape, t));
    t->REDUCE = t->REDUCE && subgroup_of_rows(plan_ocl(p), t->WG, exchange);
    TRY(op_kernel(p, &s->kernel[0], &layernorm_kernel, t, "-DXT=%s -DYT=%s %s", dtype_option_name(s->t[LN_X].dt),
                  dtype_option_name(s->t[LN_Y].dt), exchange));
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
