/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ops/matmul.h"
#include "ref/ref.h"

#include <stdio.h>
#include <string.h>

enum { BIAS = 1, ROW = 2, RESIDUAL = 4, GEGLU = 8, NORM = 16, IN_PLACE = 32, NORM_SILU = 64, ROW_OF_ALL = 128 };

typedef struct shape {
    int images, tokens, n, k, flags;
    activation act;
    int gap; /* after the rows of x and y */
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 0, ACT_NONE, 0},
    {1, 7, 5, 3, BIAS, ACT_NONE, 1},
    {2, 9, 33, 20, BIAS | ROW, ACT_SILU, 3},
    {1, 77, 50, 48, BIAS, ACT_QUICK_GELU, 0},
    {1, 77, 64, 48, BIAS | RESIDUAL, ACT_NONE, 5},
    {2, 16, 96, 130, BIAS | RESIDUAL | IN_PLACE, ACT_NONE, 0},
    {1, 50, 100, 40, BIAS, ACT_GELU, 0},
    {1, 33, 28, 28, BIAS | GEGLU, ACT_NONE, 2},
    {1, 64, 96, 24, BIAS | GEGLU, ACT_NONE, 0},
    {1, 5, 7, 300, 0, ACT_NONE, 0},
    {2, 30, 24, 24, BIAS | NORM, ACT_NONE, 4},
    {3, 1, 200, 70, BIAS, ACT_SILU, 0},
    {2, 450, 200, 140, BIAS | ROW, ACT_NONE, 0}, /* several whole cache blocks, one across images */
    {3, 9, 20, 12, BIAS | ROW | ROW_OF_ALL, ACT_NONE, 1},
    /* SD v1, 512x512, two rows of guidance */
    {2, 4096, 320, 320, BIAS | RESIDUAL, ACT_NONE, 0},
    {2, 4096, 960, 320, 0, ACT_NONE, 0},
    {2, 4096, 1280, 320, BIAS | GEGLU, ACT_NONE, 0},
    {2, 4096, 320, 1280, BIAS | RESIDUAL, ACT_NONE, 0},
    {2, 1024, 640, 640, BIAS | RESIDUAL, ACT_NONE, 0},
    {2, 1024, 2560, 640, BIAS | GEGLU, ACT_NONE, 0},
    {2, 256, 1280, 1280, BIAS | RESIDUAL, ACT_NONE, 0},
    {2, 256, 5120, 1280, BIAS | GEGLU, ACT_NONE, 0},
    {2, 77, 768, 768, BIAS, ACT_NONE, 0},
};
enum { TESTS = 14, ALL = sizeof shapes / sizeof *shapes };

static void describe_shape(shape s, char *text, size_t size)
{
    snprintf(text, size, "%dx%dx%d k=%d%s%s%s%s%s%s", s.images, s.tokens, s.n, s.k, s.flags & GEGLU ? " geglu" : "",
             s.flags & ROW_OF_ALL ? " row of all"
             : s.flags & ROW      ? " row"
                                  : "",
             s.flags & RESIDUAL ? " residual" : "", s.flags & NORM ? " norm" : "", s.flags & NORM_SILU ? "+silu" : "",
             s.gap ? " strided" : "");
}

static void describe(int i, char *text, size_t size) { describe_shape(shapes[i], text, size); }

static int run_shape(check *t, shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    int rows = s.images * s.tokens, wide = s.flags & GEGLU ? 2 * s.n : s.n;
    dtype out_dt = check_dtype_out(t);
    tensor x = check_in(t, check_dtype_in(t), s.images, 1, s.tokens, s.k, s.gap), y;
    weight *w = check_weight(t, wide, s.k, 1);
    fuse f = FUSE_NONE;
    ref_epilogue e = {.act = (ref_act)s.act, .geglu = s.flags & GEGLU};
    double *input = (double *)(uintptr_t)check_values(t, x);
    f.act = s.act;
    f.geglu = s.flags & GEGLU;
    if (s.flags & IN_PLACE) f.residual = y = check_inout(t, out_dt, s.images, 1, s.tokens, s.n, s.gap);
    else y = check_out(t, out_dt, s.images, 1, s.tokens, s.n, s.gap);
    if (s.flags & BIAS) f.bias = check_in(t, F32, 1, 1, 1, wide, 0);
    if (s.flags & ROW) f.row = check_in(t, F32, s.flags & ROW_OF_ALL ? 1 : s.images, 1, 1, s.n, 0);
    if (s.flags & RESIDUAL && !has(f.residual)) f.residual = check_in(t, out_dt, s.images, 1, s.tokens, s.n, 1);
    if (s.flags & NORM) f.norm = check_in(t, F32, s.images, 1, 2, s.k, 0);
    if (has(f.bias)) e.bias = check_values(t, f.bias);
    if (has(f.row)) e.row = check_values(t, f.row);
    e.of_all = s.flags & ROW_OF_ALL;
    if (has(f.residual)) e.residual = check_values(t, f.residual);
    f.norm_silu = s.flags & NORM_SILU;
    if (has(f.norm) && check_wants(t))
        ref_norm_apply(input, input, check_values(t, f.norm), s.images, s.tokens, s.k, s.flags & NORM_SILU);
    ref_gemm(check_want(t, y), input, check_weight_values(t, w), rows, s.n, s.k, s.tokens,
             check_step(t, (double)rows * wide * s.k), &e);
    TRY(op_gemm(check_plan(t), y, x, w, f));
    double elements = (double)rows * s.k + (double)wide * s.k + (double)rows * s.n * (has(f.residual) ? 2 : 1);
    TRY(check_finish(t, (s.flags & NORM ? 20 : 10) + check_sum(t, s.k), elements * dtype_size(dt)));
out:
    return err;
}

static int run(check *t, int i) { return run_shape(t, shapes[i]); }

/* --- steps of a plan --- */

static bool of_step(const step *s, check_key *key)
{
    int flags = *(const int *)s->params;
    tensor x = s->t[MM_X];
    const int v[] = {x.n,
                     x.h * x.w,
                     s->t[MM_Y].c,
                     x.c,
                     (flags & FLAG_BIAS ? BIAS : 0) | (flags & FLAG_ROW ? ROW : 0) |
                         (flags & FLAG_RESIDUAL ? RESIDUAL : 0) | (flags & FLAG_GEGLU ? GEGLU : 0) |
                         (flags & FLAG_ROW && s->t[MM_ROW].n < x.n ? ROW_OF_ALL : 0) | (has(s->t[MM_NORM]) ? NORM : 0) |
                         (has(s->t[MM_NORM]) && flags & FLAG_NORM_SILU ? NORM_SILU : 0),
                     flags >> FLAG_ACT_SHIFT & ACT_QUICK_GELU};
    memcpy(key->v, v, sizeof v);
    key->weights = s->w[0]->dt;
    key->in = x.dt;
    key->out = s->t[MM_Y].dt;
    return true;
}

static shape of_key(const int *v)
{
    return (shape){.images = v[0],
                   .tokens = v[1],
                   .n = v[2],
                   .k = v[3],
                   .flags = v[4],
                   .act = (activation)(v[5] & ACT_QUICK_GELU)};
}

static int run_key(check *t, const int *v) { return run_shape(t, of_key(v)); }
static void describe_key(const int *v, char *text, size_t size) { describe_shape(of_key(v), text, size); }

const check_keyed keyed_gemm = {"gemm", 6, 4, of_step, run_key, describe_key, NULL};

const check_op check_gemm = {"gemm", "gemm", TESTS, ALL - TESTS, run, describe};
