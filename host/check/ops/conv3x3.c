/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ops/matmul.h"
#include "ref/ref.h"

#include <stdio.h>
#include <string.h>

enum { ROW = 1, RESIDUAL = 2, NORM = 4, NORM_SILU = 8, ROW_OF_ALL = 16 };

typedef struct shape {
    int images, h, w, c, n, stride;
    conv_padding padding;
    int up_h, up_w, flags, gap;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, 1, PAD_SAME, 0, 0, 0, 0},
    {1, 5, 7, 4, 12, 1, PAD_SAME, 0, 0, 0, 0},
    {2, 9, 7, 20, 28, 1, PAD_SAME, 0, 0, ROW, 3},
    {2, 6, 5, 28, 20, 1, PAD_SAME, 0, 0, RESIDUAL, 2},
    {1, 8, 8, 24, 24, 2, PAD_SAME, 0, 0, 0, 1},
    {2, 9, 7, 12, 20, 2, PAD_SAME, 0, 0, 0, 0},
    {1, 8, 10, 12, 18, 2, PAD_DOWN_RIGHT, 0, 0, 0, 0},
    {1, 9, 7, 6, 5, 2, PAD_DOWN_RIGHT, 0, 0, 0, 0},
    {1, 4, 3, 16, 20, 1, PAD_SAME, 8, 6, 0, 0},
    {2, 5, 4, 20, 12, 1, PAD_SAME, 9, 7, 0, 2},
    {1, 6, 6, 140, 50, 1, PAD_SAME, 0, 0, ROW | RESIDUAL, 0},
    {2, 5, 6, 24, 3, 1, PAD_SAME, 0, 0, NORM | NORM_SILU, 4},
    {1, 1, 9, 8, 70, 1, PAD_SAME, 0, 0, 0, 0},
    {3, 7, 9, 100, 36, 1, PAD_SAME, 0, 0, NORM | ROW | ROW_OF_ALL, 0},
    {1, 5, 150, 12, 34, 1, PAD_SAME, 0, 0, RESIDUAL, 0}, /* lines of more than one block */
    {1, 8, 300, 8, 20, 2, PAD_DOWN_RIGHT, 0, 0, 0, 0},
    {2, 31, 15, 36, 200, 1, PAD_SAME, 0, 0, ROW, 0}, /* several whole cache blocks, one across images; several slabs */
    /* SD v1, 512x512 */
    {2, 64, 64, 320, 320, 1, PAD_SAME, 0, 0, ROW, 0},
    {2, 32, 32, 640, 640, 1, PAD_SAME, 0, 0, ROW, 0},
    {2, 16, 16, 1280, 1280, 1, PAD_SAME, 0, 0, ROW, 0},
    {2, 8, 8, 1280, 1280, 1, PAD_SAME, 0, 0, ROW, 0},
    {1, 64, 64, 512, 512, 1, PAD_SAME, 0, 0, RESIDUAL, 0},
    {1, 256, 256, 256, 256, 1, PAD_SAME, 0, 0, RESIDUAL, 0},
    {1, 512, 512, 128, 128, 1, PAD_SAME, 0, 0, RESIDUAL, 0},
    {2, 64, 64, 320, 320, 2, PAD_SAME, 0, 0, 0, 0},
    {2, 16, 16, 1280, 1280, 2, PAD_SAME, 0, 0, 0, 0},
};
enum { TESTS = 17, ALL = sizeof shapes / sizeof *shapes };

static void describe_shape(shape s, char *text, size_t size)
{
    snprintf(text, size, "%dx%dx%dx%d -> %d%s%s%s%s%s%s%s", s.images, s.h, s.w, s.c, s.n,
             s.stride == 2 ? " stride 2" : "", s.padding == PAD_DOWN_RIGHT ? " down-right" : "",
             s.up_h ? " upsampled" : "",
             s.flags & ROW_OF_ALL ? " row of all"
             : s.flags & ROW      ? " row"
                                  : "",
             s.flags & RESIDUAL ? " residual" : "", s.flags & NORM ? " norm" : "", s.flags & NORM_SILU ? "+silu" : "");
}

static void describe(int i, char *text, size_t size) { describe_shape(shapes[i], text, size); }

static int run_shape(check *t, shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    int uh = s.up_h ? s.up_h : s.h, uw = s.up_h ? s.up_w : s.w, around = s.padding == PAD_SAME ? 2 : 1;
    int oh = (uh + around - 3) / s.stride + 1, ow = (uw + around - 3) / s.stride + 1;
    tensor x = check_in(t, check_dtype_in(t), s.images, s.h, s.w, s.c, s.gap),
           y = check_out(t, check_dtype_out(t), s.images, oh, ow, s.n, s.gap);
    weight *w = check_weight(t, s.n, s.c, 9);
    fuse f = FUSE_NONE;
    ref_epilogue e = {0};
    double *input = (double *)(uintptr_t)check_values(t, x);
    f.bias = check_in(t, F32, 1, 1, 1, s.n, 0);
    e.bias = check_values(t, f.bias);
    if (s.flags & ROW) {
        f.row = check_in(t, F32, s.flags & ROW_OF_ALL ? 1 : s.images, 1, 1, s.n, 2);
        e.row = check_values(t, f.row);
        e.of_all = s.flags & ROW_OF_ALL;
    }
    if (s.flags & RESIDUAL) {
        f.residual = check_in(t, check_dtype_out(t), s.images, oh, ow, s.n, 1);
        e.residual = check_values(t, f.residual);
    }
    if (s.flags & NORM) {
        f.norm = check_in(t, F32, s.images, 1, 2, s.c, 0);
        f.norm_silu = s.flags & NORM_SILU;
        if (check_wants(t))
            ref_norm_apply(input, input, check_values(t, f.norm), s.images, s.h * s.w, s.c, f.norm_silu);
    }
    ref_conv3x3(check_want(t, y), input, check_weight_values(t, w), s.images, s.h, s.w, s.c, uh, uw, oh, ow, s.stride,
                s.padding == PAD_SAME, s.n, check_step(t, 9.0 * rows_of(y) * s.c * s.n), &e);
    TRY(op_conv3x3(check_plan(t), y, x, w, s.stride, s.padding, s.up_h, s.up_w, f));
    double elements = (double)rows_of(x) * s.c + 9.0 * s.c * s.n + (double)rows_of(y) * s.n;
    const step *last = plan_step(check_plan(t), plan_steps(check_plan(t)) - 1);
    bool winograd = !strncmp(last->impl->name, "winograd", strlen("winograd"));
    double transforms = winograd ? 20 : 1; /* they subtract, and divide by small numbers */
    TRY(check_finish(t, ((s.flags & NORM ? 30 : 20) + check_sum(t, 9.0 * s.c)) * transforms,
                     elements * dtype_size(dt)));
out:
    return err;
}

static int run(check *t, int i) { return run_shape(t, shapes[i]); }

/* --- steps of a plan --- */

static bool of_step(const step *s, check_key *key)
{
    const conv_params *c = s->params;
    tensor x = s->t[MM_X];
    bool up = c->up_h != x.h || c->up_w != x.w;
    const int v[] = {x.n,
                     x.h,
                     x.w,
                     x.c,
                     s->t[MM_Y].c,
                     c->stride,
                     c->pad ? PAD_SAME : PAD_DOWN_RIGHT,
                     up ? c->up_h : 0,
                     up ? c->up_w : 0,
                     (c->flags & FLAG_ROW ? ROW : 0) | (c->flags & FLAG_RESIDUAL ? RESIDUAL : 0) |
                         (c->flags & FLAG_ROW && s->t[MM_ROW].n < x.n ? ROW_OF_ALL : 0) |
                         (has(s->t[MM_NORM]) ? NORM : 0) |
                         (has(s->t[MM_NORM]) && c->flags & FLAG_NORM_SILU ? NORM_SILU : 0)};
    memcpy(key->v, v, sizeof v);
    key->weights = s->w[0]->dt;
    key->in = x.dt;
    key->out = s->t[MM_Y].dt;
    return true;
}

static shape of_key(const int *v)
{
    return (shape){.images = v[0],
                   .h = v[1],
                   .w = v[2],
                   .c = v[3],
                   .n = v[4],
                   .stride = v[5],
                   .padding = (conv_padding)v[6],
                   .up_h = v[7],
                   .up_w = v[8],
                   .flags = v[9]};
}

static int run_key(check *t, const int *v) { return run_shape(t, of_key(v)); }
static void describe_key(const int *v, char *text, size_t size) { describe_shape(of_key(v), text, size); }

const check_keyed keyed_conv3x3 = {"conv3x3", 10, 6, of_step, run_key, describe_key, NULL};

const check_op check_conv3x3 = {"conv3x3", "conv3x3", TESTS, ALL - TESTS, run, describe};
