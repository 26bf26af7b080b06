/* SPDX-License-Identifier: MIT */
/* 3x3 convolution by the matrix instructions of an x86 CPU, at --precision bf16: cl/conv3x3_matrix_cpu.cl. */
#include "ops/matmul.h"
#include "ops/x86_matrix.h"

#define CONV3X3_MATRIX_CPU_TUNE(P)                                                                                     \
    P(MR, 8, "4 6 8 12 16 32", "output pixels of a register tile; amx: 32")                                            \
    P(NP, 3, "1 2 3", "panels of 16 output channels of a register tile; amx: 2")                                       \
    P(RB, 128, "64 128 192 256", "most output pixels of a cache block")                                                \
    P(PB, 24, "6 12 24 48", "most panels of a cache block")                                                            \
    P(KC, 256, "64 128 256 512", "most input channels rounded, and summed before the next panel")
OCL_KERNEL(conv3x3_matrix_cpu, CONV3X3_MATRIX_CPU_TUNE)

typedef struct matrix {
    struct conv3x3_matrix_cpu_tune t;
    int tile;                 /* pixels of a tile */
    int bw, bh, bi, pw, flat; /* the kernel's */
    int pb;
} matrix;

/* For all shapes: those of [gemm] are of linear layers. */
static x86_engine engine_of(ocl *o) { return x86_matrix_engine(o, OCL_ALL_SHAPES); }

/* The kernel's planes share the padding between lines only where there is some on the left. */
static bool fits(const plan *p, const step *s)
{
    const conv_params *c = s->params;
    return (c->pad || c->stride == 2) && !x86_matrix_lacks(p);
}

/* Winograd's filtering, in f32, has at most a fifth of the products: more than dot products of bf16 save, and less than tiles do. */
static bool pays(const plan *p, const step *s)
{
    tensor y = s->t[MM_Y];
    conv3x3_values v = conv3x3_values_of(p, s);
    return conv3x3_has(s, v.matrix_mflop) &&
           (x86_has_tiles(engine_of(plan_ocl(p))) || !conv3x3_winograd_fits(p, s) || y.h * y.w <= v.matrix_pixels);
}

/* Register tiles of `lines` lines of a block. */
static int tiles_of(const matrix *x, int lines)
{
    return (int)(x->flat ? ceil_div((lines - 1) * x->pw + x->bw, x->tile) : (size_t)lines * ceil_div(x->bw, x->tile));
}

static bool block_fits(const matrix *x, int stride)
{
    int area = stride == 1 ? (x->bh + 2) * x->pw : 4 * (x->bh + 1) * x->pw;
    return x->bi * tiles_of(x, x->bh) <= x->t.RB / x->tile && x->bi * area + x->tile + 2 <= 8 * x->t.RB + 128;
}

/* The n parts of `all` at most as large as `most`, nearly equal. */
static int even(int all, int most) { return (int)ceil_div(all, (int)ceil_div(all, most)); }

/* Blocks as large as the tunables allow, but enough of them for every core: weights, of which a small image has more than pixels, are shared last. */
static void blocking(const plan *p, const step *s, matrix *x)
{
    const conv_params *c = s->params;
    tensor y = s->t[MM_Y];
    int panels = (int)ceil_div(y.c, 16), stride = c->stride;
    size_t want = 2 * (size_t)ocl_units(plan_ocl(p));
    x->bw = x->t.RB / 2 / x->tile * x->tile;
    x->bw = y.w < x->bw ? y.w : (int)ceil_div(even(y.w, x->bw), x->tile) * x->tile;
    x->bi = 1;
    x->flat = 0;
    if (x->bw == y.w) { /* whole lines: on end, where that takes fewer tiles */
        x->pw = y.w + 1;
        x->flat = 1;
        int on_end = tiles_of(x, y.h);
        x->flat = on_end < y.h * (int)ceil_div(y.w, x->tile);
    }
    if (!x->flat) x->pw = x->bw + (stride == 1 ? 2 : 1);
    for (x->bh = y.h; x->bh > 1 && !block_fits(x, stride);) x->bh--;
    x->bh = even(y.h, x->bh);
    if (x->bh == y.h && x->bw == y.w)
        for (x->bi = y.n; x->bi > 1 && !block_fits(x, stride);) x->bi--;
    x->bi = even(y.n, x->bi);
    x->pb = (int)ceil_div(even(panels, x->t.PB < panels ? x->t.PB : panels), x->t.NP) * x->t.NP;
    for (;;) {
        size_t blocks = ceil_div(y.w, x->bw) * ceil_div(y.h, x->bh) * ceil_div(y.n, x->bi);
        if (blocks * ceil_div(panels, x->pb) >= want) break;
        int least = x->bi > 1 || x->bh > 1 ? 4 * x->t.NP : x->t.NP;
        if (x->pb > least) x->pb = (int)ceil_div(x->pb / 2, x->t.NP) * x->t.NP;
        else if (x->bi > 1) x->bi = (x->bi + 1) / 2;
        else if (x->bh > 1) x->bh = (x->bh + 1) / 2;
        else break;
    }
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    x86_engine engine = engine_of(plan_ocl(p));
    matrix *x = plan_step_alloc(p, sizeof *x);
    if (!x) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = x;
    TRY(tune_values(p, &conv3x3_matrix_cpu_kernel, BF16, s->shape, &x->t));
    x86_register_tile(engine, &x->t.MR, &x->t.NP);
    x->tile = x86_has_tiles(engine) ? 16 : x->t.MR;
    blocking(p, s, x);
    TRY(op_kernel(p, &s->kernel[0], &conv3x3_matrix_cpu_kernel, &x->t, "-DXT=%s -DYT=%s -DENGINE=%d",
                  dtype_option_name(s->t[MM_X].dt), dtype_option_name(s->t[MM_Y].dt), (int)engine));
    TRY(x86_matrix_weight(p, s->w[0], false));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const matrix *x = s->state;
    const conv_params *c = s->params;
    tensor y = s->t[MM_Y], norm = s->t[MM_NORM];
    args a = {.packed = true};
    conv_tensor_args(&a, p, s);
    arg_tensor(&a, p, norm, s->t[MM_X]);
    conv_shape_args(&a, s);
    arg_int(&a, has(norm));
    arg_int(&a, has(norm) && c->flags & FLAG_NORM_SILU);
    arg_int(&a, x->bw);
    arg_int(&a, x->bh);
    arg_int(&a, x->bi);
    arg_int(&a, x->pw);
    arg_int(&a, x->flat);
    arg_int(&a, x->pb);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div((int)ceil_div(y.c, 16), x->pb),
                    ceil_div(y.w, x->bw) * ceil_div(y.h, x->bh) * ceil_div(y.n, x->bi), 1, 1, 1);
}

const impl conv3x3_matrix_impl = {.name = "matrix",
                                  .fuses_norm = true,
                                  .fits = fits,
                                  .pays = pays,
                                  .lacks = x86_matrix_lacks,
                                  .prepare = prepare,
                                  .launch = launch};
