/* SPDX-License-Identifier: MIT */
/* 3x3 convolution on GPUs by Winograd's minimal filtering, in four launches a chunk: cl/winograd_input_gpu.cl, winograd_weight_gpu.cl, winograd_gpu.cl (the
 * products) and winograd_output_gpu.cl. Transformed weights are scratch of a step, as large for all steps as for one: stored ones would take eight times the
 * memory of a file's halves. */
#include "ops/gpu_tile.h"
#include "ops/winograd.h"

#include <string.h>

#define WINOGRAD_INPUT_GPU_TUNE(P)                                                                                     \
    P(TILE, 4, "2 4 6", "output pixels of a tile, along a side; 6: or 4, where 6 saves no products")                   \
    P(WG, 128, "32 64 128 256", "work-items per group, one a tile and input channel")
OCL_KERNEL(winograd_input_gpu, WINOGRAD_INPUT_GPU_TUNE)

#define WINOGRAD_WEIGHT_GPU_TUNE(P) P(WG, 128, "32 64 128 256", "work-items per group, one an input and output channel")
OCL_KERNEL(winograd_weight_gpu, WINOGRAD_WEIGHT_GPU_TUNE)

OCL_KERNEL_SECTION(winograd_gpu, GPU_TILE_BLOCKS, gpu_tile_f32_fits)

#define WINOGRAD_OUTPUT_GPU_TUNE(P) P(WG, 128, "32 64 128 256", "work-items per group, one a tile and output channel")
OCL_KERNEL(winograd_output_gpu, WINOGRAD_OUTPUT_GPU_TUNE)

enum { INPUT, WEIGHT, PRODUCTS, OUTPUT };

/* Transforming the weights of a step costs as much as some tiles save: on an image of fewer, direct convolution is as fast. */
enum { TILES_MIN = 64 };

typedef struct winograd {
    struct winograd_input_gpu_tune input;
    struct winograd_weight_gpu_tune weight;
    struct winograd_gpu_tune t;
    struct winograd_output_gpu_tune output;
    tensor v, u, m; /* transformed input and weights, products: what a chunk has of them */
    winograd_tiles of_image;
    int padded;       /* input channels, to whole BK */
    int tiles, rows;  /* of the step; of a chunk, whole BM */
    int panels, wide; /* of BN output channels: of the step; of a chunk */
} winograd;

/* A chunk: tiles [tile, tile + tiles) in rows [0, rows) of v and m, panels [panel, panel + panels). */
typedef struct chunk {
    int tile, tiles, rows, panel, panels;
} chunk;

static int multiple(int n, int of) { return (int)ceil_div(n, of) * of; }

/* On a CPU never: what conv3x3_winograd_impl passes over is convolved directly. */
static bool pays(const plan *p, const step *s)
{
    struct winograd_input_gpu_tune t;
    if (ocl_device_of(plan_ocl(p))->cpu || !conv3x3_winograd_pays(p, s) ||
        !tune_fits(p, &winograd_input_gpu_kernel, plan_precision(p), s->shape, &t))
        return false;
    winograd_tiles tiles = winograd_tiles_of(s->t[MM_Y], t.TILE);
    return (int64_t)tiles.th * tiles.tw >= TILES_MIN;
}

/* `most` at a time, or a little less so that the last chunk is as large as the others. */
static int even(int all, uint64_t most, int unit)
{
    uint64_t fit = most / (uint64_t)unit * (uint64_t)unit;
    if (fit < (uint64_t)unit) fit = (uint64_t)unit;
    if (fit >= (uint64_t)all) return multiple(all, unit);
    return multiple((int)ceil_div(all, (int)ceil_div(all, (int)fit)), unit);
}

/* Each of v, u and m is as large as the budget at most, but holds a panel and a block of rows. */
static void blocking(const plan *p, const step *s, winograd *x)
{
    tensor y = s->t[MM_Y];
    uint64_t budget = (uint64_t)conv3x3_values_of(p, s).winograd_mb << 20, value = 4 * (uint64_t)x->of_image.points,
             widest;
    x->tiles = y.n * x->of_image.th * x->of_image.tw;
    x->panels = (int)ceil_div(y.c, x->t.BN);
    x->wide = even(x->panels, budget / (value * (uint64_t)(x->padded * x->t.BN)), 1);
    widest = (uint64_t)(x->padded > x->wide * x->t.BN ? x->padded : x->wide * x->t.BN);
    x->rows = even(x->tiles, budget / (value * widest), x->t.BM);
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    const conv_params *c = s->params;
    tensor in = s->t[MM_X], y = s->t[MM_Y];
    dtype dt = plan_precision(p);
    winograd *x = plan_step_alloc(p, sizeof *x);
    if (!x) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = x;
    TRY(tune_values(p, &winograd_input_gpu_kernel, dt, s->shape, &x->input));
    TRY(tune_values(p, &winograd_weight_gpu_kernel, dt, s->shape, &x->weight));
    TRY(tune_values(p, &winograd_gpu_kernel, dt, s->shape, &x->t));
    TRY(tune_values(p, &winograd_output_gpu_kernel, dt, s->shape, &x->output));
    x->of_image = winograd_tiles_of(y, x->input.TILE);
    x->input.TILE = x->of_image.side;
    x->padded = multiple(in.c, x->t.BK);
    plan_use_section(p, s->op->section, plan_precision(p), false);
    blocking(p, s, x);
    x->v = plan_scratch(p, F32, x->of_image.points, x->rows, 1, x->padded);
    x->u = plan_scratch(p, F32, x->of_image.points, x->wide, x->padded, x->t.BN);
    x->m = plan_scratch(p, F32, x->of_image.points, x->rows, 1, x->wide * x->t.BN);
    TRY(op_kernel(p, &s->kernel[INPUT], &winograd_input_gpu_kernel, &x->input, "-DXT=%s -DNORM=%d",
                  dtype_option_name(in.dt), has(s->t[MM_NORM]) ? 1 + (c->flags & FLAG_NORM_SILU ? 1 : 0) : 0));
    TRY(op_kernel(p, &s->kernel[WEIGHT], &winograd_weight_gpu_kernel, &x->weight, "-DWT=%s -DTILE=%d -DBN=%d",
                  dtype_option_name(s->w[0]->dt), x->input.TILE, x->t.BN));
    TRY(op_kernel(p, &s->kernel[PRODUCTS], &winograd_gpu_kernel, &x->t, " "));
    TRY(op_kernel(p, &s->kernel[OUTPUT], &winograd_output_gpu_kernel, &x->output, "-DYT=%s -DTILE=%d -DACT=%d",
                  dtype_option_name(y.dt), x->input.TILE, c->flags >> FLAG_ACT_SHIFT & 3));
    TRY(weight_set_layout(s->w[0], LAYOUT_PANELS, x->t.BN, false));
out:
    return err;
}

static int transform_input(plan *p, const step *s, const winograd *x, const chunk *at)
{
    args a = {0};
    winograd_input_args(&a, p, s, x->v, &x->of_image);
    arg_int(&a, at->tile);
    arg_int(&a, at->tiles);
    arg_int(&a, at->rows);
    arg_int(&a, x->padded);
    return args_run(&a, p, s->kernel[INPUT], s->module, ceil_div(at->rows * x->padded, x->input.WG), 1, 1,
                    (size_t)x->input.WG, 1);
}

static int transform_weights(plan *p, const step *s, const winograd *x, const chunk *at)
{
    tensor in = s->t[MM_X];
    args a = {0};
    arg_tensor(&a, p, x->u, in);
    arg_mem(&a, weight_mem(s->w[0]), 0);
    arg_int(&a, in.c);
    arg_int(&a, at->panel);
    arg_int(&a, at->panels);
    arg_int(&a, x->padded);
    return args_run(&a, p, s->kernel[WEIGHT], s->module, ceil_div(at->panels * x->padded * x->t.BN, x->weight.WG), 1, 1,
                    (size_t)x->weight.WG, 1);
}

static int multiply(plan *p, const step *s, const winograd *x, const chunk *at)
{
    tensor in = s->t[MM_X];
    size_t of_point = (size_t)(at->rows / x->t.BM) * (size_t)at->panels;
    args a = {.flops = 2.0 * x->of_image.points * at->rows * x->padded * at->panels * x->t.BN};
    arg_tensor(&a, p, x->m, in);
    arg_tensor(&a, p, x->v, in);
    arg_tensor(&a, p, x->u, in);
    arg_int(&a, at->rows);
    arg_int(&a, at->panels);
    arg_int(&a, x->padded);
    return args_run(&a, p, s->kernel[PRODUCTS], s->module, (size_t)x->of_image.points * of_point, 1, 1,
                    (size_t)(x->t.BN / x->t.TN), (size_t)(x->t.BM / x->t.TM));
}

static int transform_output(plan *p, const step *s, const winograd *x, const chunk *at)
{
    tensor y = s->t[MM_Y];
    int first = at->panel * x->t.BN, columns = at->panels * x->t.BN,
        count = y.c - first < columns ? y.c - first : columns;
    args a = {0};
    arg_tensor(&a, p, y, y);
    arg_tensor(&a, p, x->m, y);
    arg_tensor(&a, p, s->t[MM_BIAS], y);
    arg_tensor(&a, p, s->t[MM_ROW], y);
    arg_tensor(&a, p, s->t[MM_RESIDUAL], y);
    winograd_output_args(&a, s);
    arg_int(&a, x->of_image.th);
    arg_int(&a, x->of_image.tw);
    arg_int(&a, at->tile);
    arg_int(&a, at->tiles);
    arg_int(&a, at->rows);
    arg_int(&a, columns);
    arg_int(&a, first);
    arg_int(&a, count);
    return args_run(&a, p, s->kernel[OUTPUT], s->module, ceil_div(at->tiles * count, x->output.WG), 1, 1,
                    (size_t)x->output.WG, 1);
}

static int launch(plan *p, const step *s)
{
    int err = 0, held = -1; /* the panels in u */
    const winograd *x = s->state;
    chunk at = {0};
    for (at.tile = 0; at.tile < x->tiles; at.tile += x->rows) {
        at.tiles = x->tiles - at.tile < x->rows ? x->tiles - at.tile : x->rows;
        at.rows = multiple(at.tiles, x->t.BM);
        TRY(transform_input(p, s, x, &at));
        for (at.panel = 0; at.panel < x->panels; at.panel += x->wide) {
            at.panels = x->panels - at.panel < x->wide ? x->panels - at.panel : x->wide;
            if (held != at.panel) TRY(transform_weights(p, s, x, &at));
            held = at.panel;
            TRY(multiply(p, s, x, &at));
            TRY(transform_output(p, s, x, &at));
        }
    }
out:
    return err;
}

const impl conv3x3_winograd_gpu_impl = {.name = "winograd_gpu",
                                        .fuses_norm = true,
                                        .fits = conv3x3_winograd_fits,
                                        .pays = pays,
                                        .prepare = prepare,
                                        .launch = launch};
