/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ops/norm.h"
#include "ref/ref.h"

#include <stdio.h>
#include <string.h>

enum { NORM_X = 1 };                 /* operand of both steps: output, input ... */
enum { KEY_SILU = 1, KEY_KEPT = 2 }; /* of a key's last number: SiLU follows; nothing is applied */

typedef struct groupnorm_shape {
    int images, h, w, c, groups;
    groupnorm_next next;
    int gap;
    int piece; /* rows of a piece; 0: whole */
} groupnorm_shape;

#define KEPT GROUPNORM_KEPT
#define PLAIN GROUPNORM_APPLIED
#define SILU GROUPNORM_APPLIED_SILU
static const groupnorm_shape groupnorm_shapes[] = {
    {1, 1, 1, 4, 2, PLAIN, 0, 0},       {3, 1, 7, 6, 3, SILU, 0, 0},      {2, 9, 7, 20, 4, SILU, 3, 0},
    {1, 16, 16, 24, 6, PLAIN, 0, 0},    {2, 13, 11, 44, 4, SILU, 1, 0},   {1, 8, 8, 320, 32, SILU, 0, 0},
    {2, 71, 75, 28, 4, SILU, 1, 0},     {2, 13, 11, 44, 4, KEPT, 1, 0},   {1, 23, 9, 20, 4, SILU, 0, 5},
    {1, 40, 8, 48, 8, SILU, 3, 16},     {2, 64, 64, 320, 32, SILU, 0, 0}, {2, 32, 32, 640, 32, SILU, 0, 0},
    {1, 512, 512, 128, 32, SILU, 0, 0},
};
enum { GROUPNORM_TESTS = 10, GROUPNORM_ALL = sizeof groupnorm_shapes / sizeof *groupnorm_shapes };

static void groupnorm_describe_shape(groupnorm_shape s, char *text, size_t size)
{
    static const char *const next[] = {" statistics", "", " silu"};
    snprintf(text, size, "%dx%dx%dx%d in %d groups%s%s%s", s.images, s.h, s.w, s.c, s.groups, next[s.next],
             s.gap ? " strided" : "", s.piece ? " in pieces" : "");
}

static void groupnorm_describe(int i, char *text, size_t size)
{
    groupnorm_describe_shape(groupnorm_shapes[i], text, size);
}

static int statistics_in_pieces(plan *p, tensor norm, tensor x, tensor gamma, tensor beta, groupnorm_shape s)
{
    int err = 0;
    groupnorm_pieces g;
    TRY(op_groupnorm_begin(p, &g, lines(x, 0, s.piece), x.h));
    for (int y = 0; y < x.h; y += s.piece)
        TRY(op_groupnorm_piece(p, &g, lines(x, y, x.h - y < s.piece ? x.h - y : s.piece), y));
    TRY(op_groupnorm_end(p, norm, &g, gamma, beta, s.groups, 1e-5f));
out:
    return err;
}

/* By how much sums over a group may add to the allowance, in float. */
static double groupnorm_allowance(const check *t, groupnorm_shape s)
{
    return (10 + 1e-5 * (double)s.h * s.w * s.c / s.groups) * check_cancellation(t);
}

static int statistics_run_shape(check *t, groupnorm_shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    tensor x = check_in(t, dt, s.images, s.h, s.w, s.c, s.gap), norm = check_out(t, F32, s.images, 1, 2, s.c, 0);
    tensor gamma = check_in(t, F32, 1, 1, 1, s.c, 0), beta = check_in(t, F32, 1, 1, 1, s.c, 0);
    if (check_wants(t))
        ref_groupnorm_stats(check_want(t, norm), check_values(t, x), check_values(t, gamma), check_values(t, beta),
                            s.images, s.h * s.w, s.c, s.groups, 1e-5);
    TRY(op_groupnorm_stats(check_plan(t), norm, x, gamma, beta, s.groups, 1e-5f));
    TRY(check_finish(t, groupnorm_allowance(t, s), (double)rows_of(x) * s.c * dtype_size(dt)));
out:
    return err;
}

/* Are statistics in pieces, which are slabs, asked of another implementation? */
static bool wants_whole(check *t, tensor x)
{
    const plan *p = check_plan(t);
    ocl_shape shape = {x.h * x.w, x.c, 0};
    return !strcmp(
        config_word(ocl_config_of(plan_ocl(p)), &groupnorm_section, precision_word(plan_precision(p)), shape, "impl"),
        "whole");
}

/* Statistics and apply together. */
static int groupnorm_run_shape(check *t, groupnorm_shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    if (s.next == GROUPNORM_KEPT) return statistics_run_shape(t, s);
    tensor x = check_in(t, dt, s.images, s.h, s.w, s.c, s.gap), y = check_out(t, dt, s.images, s.h, s.w, s.c, s.gap);
    tensor gamma = check_in(t, F32, 1, 1, 1, s.c, 0), beta = check_in(t, F32, 1, 1, 1, s.c, 0);
    tensor norm = plan_tensor(check_plan(t), F32, s.images, 1, 2, s.c);
    bool silu = s.next == GROUPNORM_APPLIED_SILU;
    if (s.piece && wants_whole(t, x)) TRY(FAIL(SDCL_EUSAGE, "statistics in pieces are slabs"));
    if (check_wants(t))
        ref_groupnorm(check_want(t, y), check_values(t, x), check_values(t, gamma), check_values(t, beta), s.images,
                      s.h * s.w, s.c, s.groups, 1e-5, silu);
    if (s.piece) TRY(statistics_in_pieces(check_plan(t), norm, x, gamma, beta, s));
    else TRY(op_groupnorm_stats(check_plan(t), norm, x, gamma, beta, s.groups, 1e-5f));
    TRY(op_norm_apply(check_plan(t), y, x, norm, silu));
    TRY(check_finish(t, groupnorm_allowance(t, s), 3.0 * rows_of(x) * s.c * dtype_size(dt)));
out:
    return err;
}

static int groupnorm_run(check *t, int i) { return groupnorm_run_shape(t, groupnorm_shapes[i]); }

/* The statistics of a plan; where the next step applies them, it is measured with them, be it one of its own or the same. */
static bool groupnorm_of_step(const step *s, check_key *key)
{
    static const int flags[] = {
        [GROUPNORM_KEPT] = KEY_KEPT, [GROUPNORM_APPLIED] = 0, [GROUPNORM_APPLIED_SILU] = KEY_SILU};
    const groupnorm_params *params = s->params;
    tensor x = s->t[NORM_X];
    const int v[] = {x.n, x.h, x.w, x.c, params->groups, flags[params->next]};
    memcpy(key->v, v, sizeof v);
    return true;
}

static groupnorm_shape groupnorm_of_key(const int *v)
{
    groupnorm_next next = v[5] & KEY_KEPT ? GROUPNORM_KEPT : v[5] & KEY_SILU ? SILU : PLAIN;
    return (groupnorm_shape){.images = v[0], .h = v[1], .w = v[2], .c = v[3], .groups = v[4], .next = next};
}

/* Where something is applied, more can be chosen. */
static bool groupnorm_stands_for(const int *v, const int *other) { return !(v[5] & KEY_KEPT) && other[5] & KEY_KEPT; }

static int groupnorm_run_key(check *t, const int *v)
{
    groupnorm_shape s = groupnorm_of_key(v);
    if (s.c % s.groups) return FAIL(SDCL_EUSAGE, "%d channels in %d groups", s.c, s.groups);
    return groupnorm_run_shape(t, s);
}

static void groupnorm_describe_key(const int *v, char *text, size_t size)
{
    groupnorm_describe_shape(groupnorm_of_key(v), text, size);
}

const check_keyed keyed_groupnorm = {
    "groupnorm", 6, 5, groupnorm_of_step, groupnorm_run_key, groupnorm_describe_key, groupnorm_stands_for};

const check_op check_groupnorm = {"groupnorm",   "groupnorm",       GROUPNORM_TESTS, GROUPNORM_ALL - GROUPNORM_TESTS,
                                  groupnorm_run, groupnorm_describe};

typedef struct layernorm_shape {
    int rows, c, gap;
} layernorm_shape;

static const layernorm_shape layernorm_shapes[] = {
    {1, 1, 0}, {5, 7, 1}, {77, 48, 0}, {33, 20, 3}, {9, 320, 0}, {154, 768, 0}, {8192, 320, 0}, {2048, 640, 0},
};
enum { LAYERNORM_TESTS = 5, LAYERNORM_ALL = sizeof layernorm_shapes / sizeof *layernorm_shapes };

static void layernorm_describe_shape(layernorm_shape s, char *text, size_t size)
{
    snprintf(text, size, "%dx%d%s", s.rows, s.c, s.gap ? " strided" : "");
}

static void layernorm_describe(int i, char *text, size_t size)
{
    layernorm_describe_shape(layernorm_shapes[i], text, size);
}

static int layernorm_run_shape(check *t, layernorm_shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    tensor x = check_in(t, check_dtype_in(t), 1, 1, s.rows, s.c, s.gap),
           y = check_out(t, check_dtype_out(t), 1, 1, s.rows, s.c, s.gap);
    tensor gamma = check_in(t, F32, 1, 1, 1, s.c, 0), beta = check_in(t, F32, 1, 1, 1, s.c, 0);
    if (check_wants(t))
        ref_layernorm(check_want(t, y), check_values(t, x), check_values(t, gamma), check_values(t, beta), s.rows, s.c,
                      1e-5);
    TRY(op_layernorm(check_plan(t), y, x, gamma, beta, 1e-5f));
    TRY(check_finish(t, 10 * check_cancellation(t), 2.0 * s.rows * s.c * dtype_size(dt)));
out:
    return err;
}

static int layernorm_run(check *t, int i) { return layernorm_run_shape(t, layernorm_shapes[i]); }

static bool layernorm_of_step(const step *s, check_key *key)
{
    key->v[0] = rows_of(s->t[NORM_X]);
    key->v[1] = s->t[NORM_X].c;
    key->in = s->t[NORM_X].dt;
    key->out = s->t[0].dt;
    return true;
}

static layernorm_shape layernorm_of_key(const int *v) { return (layernorm_shape){.rows = v[0], .c = v[1]}; }

static int layernorm_run_key(check *t, const int *v) { return layernorm_run_shape(t, layernorm_of_key(v)); }

static void layernorm_describe_key(const int *v, char *text, size_t size)
{
    layernorm_describe_shape(layernorm_of_key(v), text, size);
}

const check_keyed keyed_layernorm = {"layernorm", 2, 2, layernorm_of_step, layernorm_run_key, layernorm_describe_key,
                                     NULL};

const check_op check_layernorm = {
    "layernorm", NULL, LAYERNORM_TESTS, LAYERNORM_ALL - LAYERNORM_TESTS, layernorm_run, layernorm_describe};
