/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ref/ref.h"

#include <stdio.h>

static const struct groupnorm_shape {
    int images, h, w, c, groups, silu, gap;
} groupnorm_shapes[] = {
    {1, 1, 1, 4, 2, 0, 0},      {3, 1, 7, 6, 3, 1, 0},      {2, 9, 7, 20, 4, 1, 3},
    {1, 16, 16, 24, 6, 0, 0},   {2, 13, 11, 44, 4, 1, 1},   {1, 8, 8, 320, 32, 1, 0},
    {2, 64, 64, 320, 32, 1, 0}, {2, 32, 32, 640, 32, 1, 0}, {1, 512, 512, 128, 32, 1, 0},
};
enum { GROUPNORM_TESTS = 6, GROUPNORM_ALL = sizeof groupnorm_shapes / sizeof *groupnorm_shapes };

static void groupnorm_describe(int i, char *text, size_t size)
{
    const struct groupnorm_shape *s = &groupnorm_shapes[i];
    snprintf(text, size, "%dx%dx%dx%d in %d groups%s%s", s->images, s->h, s->w, s->c, s->groups, s->silu ? " silu" : "",
             s->gap ? " strided" : "");
}

/* Statistics and apply together: what the model uses. */
static int groupnorm_run(check *t, int i)
{
    int err = 0;
    const struct groupnorm_shape *s = &groupnorm_shapes[i];
    dtype dt = check_dtype(t);
    tensor x = check_in(t, dt, s->images, s->h, s->w, s->c, s->gap),
           y = check_out(t, dt, s->images, s->h, s->w, s->c, s->gap);
    tensor gamma = check_in(t, F32, 1, 1, 1, s->c, 0), beta = check_in(t, F32, 1, 1, 1, s->c, 0);
    tensor norm = plan_tensor(check_plan(t), F32, s->images, 1, 2, s->c);
    ref_groupnorm(check_want(t, y), check_values(t, x), check_values(t, gamma), check_values(t, beta), s->images,
                  s->h * s->w, s->c, s->groups, 1e-5, s->silu);
    TRY(op_groupnorm_stats(check_plan(t), norm, x, gamma, beta, s->groups, 1e-5f));
    TRY(op_norm_apply(check_plan(t), y, x, norm, s->silu));
    TRY(check_finish(t, 10 * check_cancellation(t), 3.0 * rows_of(x) * s->c * dtype_size(dt)));
out:
    return err;
}

const check_op check_groupnorm = {
    "groupnorm", NULL, GROUPNORM_TESTS, GROUPNORM_ALL - GROUPNORM_TESTS, groupnorm_run, groupnorm_describe};

static const struct layernorm_shape {
    int rows, c, gap;
} layernorm_shapes[] = {
    {1, 1, 0}, {5, 7, 1}, {77, 48, 0}, {33, 20, 3}, {9, 320, 0}, {154, 768, 0}, {8192, 320, 0}, {2048, 640, 0},
};
enum { LAYERNORM_TESTS = 5, LAYERNORM_ALL = sizeof layernorm_shapes / sizeof *layernorm_shapes };

static void layernorm_describe(int i, char *text, size_t size)
{
    const struct layernorm_shape *s = &layernorm_shapes[i];
    snprintf(text, size, "%dx%d%s", s->rows, s->c, s->gap ? " strided" : "");
}

static int layernorm_run(check *t, int i)
{
    int err = 0;
    const struct layernorm_shape *s = &layernorm_shapes[i];
    dtype dt = check_dtype(t);
    tensor x = check_in(t, dt, 1, 1, s->rows, s->c, s->gap), y = check_out(t, dt, 1, 1, s->rows, s->c, s->gap);
    tensor gamma = check_in(t, F32, 1, 1, 1, s->c, 0), beta = check_in(t, F32, 1, 1, 1, s->c, 0);
    ref_layernorm(check_want(t, y), check_values(t, x), check_values(t, gamma), check_values(t, beta), s->rows, s->c,
                  1e-5);
    TRY(op_layernorm(check_plan(t), y, x, gamma, beta, 1e-5f));
    TRY(check_finish(t, 10 * check_cancellation(t), 2.0 * s->rows * s->c * dtype_size(dt)));
out:
    return err;
}

const check_op check_layernorm = {
    "layernorm", NULL, LAYERNORM_TESTS, LAYERNORM_ALL - LAYERNORM_TESTS, layernorm_run, layernorm_describe};
