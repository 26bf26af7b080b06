/* SPDX-License-Identifier: MIT */
/* 3x3 convolution, stride 1 or 2, input optionally upsampled. */
#include "ops/matmul.h"

static double flops(const step *s) { return 2.0 * rows_of(s->t[MM_Y]) * s->t[MM_X].c * 9 * s->w[0]->rows; }

static const ocl_tunable conv3x3_tunables[] = {
    {"impl", 0, "auto matrix winograd winograd_gpu cpu gpu", "implementation"},
    {"winograd_mb", 8, "1 2 4 8 16 32 64 128 256",
     "winograd: megabytes of transformed input at a time, or twice that for one block, or one row of tiles; "
     "winograd_gpu: "
     "most of input, of weights, and of products"},
    {"winograd_mflop", 10, "0 10 30 100 250 500 1000 2000 100000000",
     "auto: million operations an image from which on winograd is worth its rounding"},
    {"matrix_mflop", 500, "0 10 30 100 250 500 1000 2000 100000000", "the same of matrix"},
    {"matrix_pixels", 0, "0 64 256 1024 4096 100000000",
     "auto, without AMX: output pixels an image up to which matrix takes the place of winograd"},
};
_Static_assert(sizeof conv3x3_tunables / sizeof *conv3x3_tunables == sizeof(conv3x3_values) / sizeof(int), "one each");
const ocl_section conv3x3_section = {"conv3x3", conv3x3_tunables, 5, 1, NULL};
static const impl *const conv3x3_impls[] = {&conv3x3_matrix_impl, &conv3x3_winograd_impl, &conv3x3_winograd_gpu_impl,
                                            &conv3x3_cpu_impl,    &conv3x3_gpu_impl,      NULL};
static const op conv3x3_op = {"conv3x3", &conv3x3_section, conv3x3_impls, flops};

conv3x3_values conv3x3_values_of(const plan *p, const step *s)
{
    conv3x3_values v;
    tune_fits(p, s->op->section, plan_precision(p), s->shape, &v); /* no values of this section exclude each other */
    return v;
}

bool conv3x3_winograd_fits(const plan *p, const step *s)
{
    const conv_params *c = s->params;
    (void)p;
    return c->stride == 1 && c->pad == 1;
}

bool conv3x3_has(const step *s, int mflop) { return s->op->flops(s) >= 1e6 * s->t[MM_Y].n * mflop; }

bool conv3x3_winograd_pays(const plan *p, const step *s)
{
    return conv3x3_has(s, conv3x3_values_of(p, s).winograd_mflop);
}

int op_conv3x3(plan *p, tensor y, tensor x, weight *w, int stride, conv_padding padding, int up_h, int up_w, fuse f)
{
    int err = 0, around = padding == PAD_SAME ? 2 : 1;
    conv_params c = {
        .stride = stride, .pad = padding == PAD_SAME, .up_h = up_h > 0 ? up_h : x.h, .up_w = up_h > 0 ? up_w : x.w};
    step s;
    if (w->taps != 9 || w->columns != x.c || w->rows != y.c)
        return FAIL(SDCL_EMODEL, "%s: weight is [%d,%d] with %d taps, expected [%d,%d,3,3]", plan_scope(p), w->rows,
                    w->columns, w->taps, y.c, x.c);
    if (y.n != x.n || y.h != (c.up_h + around - 3) / stride + 1 || y.w != (c.up_w + around - 3) / stride + 1)
        return FAIL(SDCL_EINTERNAL, "%s: conv3x3: output is %dx%d", plan_scope(p), y.h, y.w);
    if (f.geglu) return FAIL(SDCL_EINTERNAL, "%s: conv3x3 has no GEGLU", plan_scope(p));
    TRY(matmul_flags(p, "conv3x3", y, w->rows, &f, &c.flags));
    TRY(matmul_step(p, &s, &conv3x3_op, y, x, w, &c, &f));
    TRY(plan_add(p, &s, &c, sizeof c));
out:
    return err;
}
