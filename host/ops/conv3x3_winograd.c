/* SPDX-License-Identifier: MIT */
/* 3x3 convolution on CPU devices by Winograd's minimal filtering: cl/winograd_input_cpu.cl, then cl/winograd_cpu.cl, a chunk of tiles at a time. */
#include "ops/winograd.h"

#define WINOGRAD_INPUT_CPU_TUNE(P) P(CB, 64, "16 32 64 128", "channels of a work-item")
OCL_KERNEL(winograd_input_cpu, WINOGRAD_INPUT_CPU_TUNE)

#define WINOGRAD_CPU_TUNE(P)                                                                                           \
    P(TILE, 4, "2 4 6", "output pixels of a tile, along a side; 6: or 4, where 6 saves no products")                   \
    P(MR, 8, "4 6 8 12", "tiles of a register tile")                                                                   \
    P(NV, 3, "1 2 3 4", "most vectors of 16 output channels of a register tile")                                       \
    P(TB, 64, "16 24 32 48 64 96 128", "tiles of a cache block, down to a multiple of MR")                             \
    P(KC, 64, "16 32 64 128", "input channels transformed at a time")                                                  \
    P(ROWS, 4, "2 4 8", "rows of points whose weights are transformed together; of 6: 2, 3 or 6")
OCL_KERNEL(winograd_cpu, WINOGRAD_CPU_TUNE)

enum { V_GAP = 16 }; /* cl/winograd.h, V_STEP */

typedef struct winograd {
    struct winograd_input_cpu_tune input;
    struct winograd_cpu_tune t;
    tensor v;
    winograd_tiles tiles;
    int lines;  /* tile rows of a chunk */
    int block;  /* tiles of a work-item: a multiple of MR, as many as TB at most */
    int padded; /* input channels, to whole KC */
} winograd;

static bool runs_on(const ocl_device *d) { return d->cpu; }

/* An image of fewer tiles does not fill a register tile, which only pays where weights are many; with fewer input channels the transforms cost more than the
 * products. Of the image, not of the batch: a picture has the same bits in any. */
enum { TILES_LEAST = 8, CHANNELS_LEAST = 32 };
#define MANY_FLOPS 5e8

static bool pays(const plan *p, const step *s)
{
    tensor y = s->t[MM_Y];
    winograd_tiles of_4 = winograd_tiles_of(y, 4);
    bool full = of_4.th * of_4.tw >= TILES_LEAST || s->op->flops(s) >= MANY_FLOPS * y.n;
    return full && s->t[MM_X].c >= CHANNELS_LEAST && conv3x3_winograd_pays(p, s);
}

/* Tiles that cost as much as a work-item's transform of its weights. */
enum { WEIGHTS_COST = 4 };

/* Of a work-item: the tiles of a chunk divided evenly, as far as whole register tiles allow. */
static int block_of(const winograd *x, int tiles)
{
    int blocks = (int)ceil_div(tiles, x->t.TB / x->t.MR * x->t.MR);
    return (int)ceil_div(tiles, blocks * x->t.MR) * x->t.MR;
}

/* Of `tiles` tiles in blocks, in tiles. */
static int cost(const winograd *x, int tiles, int block)
{
    int whole = tiles / block, rest = tiles % block;
    return whole * (block + WEIGHTS_COST) + (rest ? (int)ceil_div(rest, x->t.MR) * x->t.MR + WEIGHTS_COST : 0);
}

/* Tile rows of a chunk, as the budget holds, or twice the budget where that makes one block: as many as make the cheapest blocks. */
static void blocking(const plan *p, const step *s, winograd *x)
{
    int lines = s->t[MM_Y].n * x->tiles.th, tw = x->tiles.tw, least = 0;
    int panels = (int)ceil_div(s->w[0]->rows, 16 * x->t.NV);
    uint64_t tile = (uint64_t)x->tiles.points * (uint64_t)x->padded * 4,
             budget = (uint64_t)conv3x3_values_of(p, s).winograd_mb << 20, held = budget / (tile * (uint64_t)tw);
    int most = held < 1 ? 1 : held < (uint64_t)lines ? (int)held : lines;
    while (most * tw < x->t.TB && most < lines && tile * (uint64_t)((most + 1) * tw) <= 2 * budget) most++;
    for (int n = most; n >= 1 && (2 * n >= most || !least); n--) {
        int block = block_of(x, n * tw), all = lines / n * cost(x, n * tw, block) + cost(x, lines % n * tw, block);
        bool over = n > 1 && n * tw > x->t.TB && ceil_div(n * tw, block) * (uint64_t)block * tile > budget;
        if (over || (least && all >= least)) continue;
        least = all;
        x->lines = n;
        x->block = block;
    }
    while (x->block > x->t.MR &&
           ceil_div(x->lines * tw, x->block) * (size_t)panels < 2 * (size_t)ocl_units(plan_ocl(p)))
        x->block = (int)ceil_div(x->block / 2, x->t.MR) * x->t.MR;
}

/* The divisor of all rows of points that is meant. */
static int rows_together(int rows, int all) { return rows >= all ? all : all % rows ? all / 2 : rows; }

static int prepare(plan *p, step *s)
{
    int err = 0;
    winograd *x = plan_step_alloc(p, sizeof *x);
    if (!x) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = x;
    TRY(tune_values(p, &winograd_cpu_kernel, plan_precision(p), s->shape, &x->t));
    x->tiles = winograd_tiles_of(s->t[MM_Y], x->t.TILE);
    x->t.TILE = x->tiles.side;
    x->t.ROWS = rows_together(x->t.ROWS, x->t.TILE + 2);
    x->padded = (int)ceil_div(s->t[MM_X].c, x->t.KC) * x->t.KC;
    x->t.NV = cpu_panel(s->w[0], x->t.NV) / 16;
    blocking(p, s, x);
    plan_use_section(p, s->op->section, plan_precision(p), false);
    TRY(tune_values(p, &winograd_input_cpu_kernel, plan_precision(p), s->shape, &x->input));
    x->v = plan_scratch(p, F32, (int)ceil_div(x->lines * x->tiles.tw, x->block), x->tiles.points * x->padded / x->t.KC,
                        1, x->block * x->t.KC + V_GAP);
    TRY(op_kernel(p, &s->kernel[0], &winograd_input_cpu_kernel, &x->input, "-DXT=%s -DTILE=%d -DKC=%d",
                  dtype_option_name(s->t[MM_X].dt), x->t.TILE, x->t.KC));
    TRY(op_kernel(p, &s->kernel[1], &winograd_cpu_kernel, &x->t, "-DWT=%s -DYT=%s", dtype_option_name(s->w[0]->dt),
                  dtype_option_name(s->t[MM_Y].dt)));
    TRY(weight_set_layout(s->w[0], LAYOUT_PANELS, 16 * x->t.NV, false));
out:
    return err;
}

static int transform_input(plan *p, const step *s, const winograd *x, int line0, int lines)
{
    const conv_params *c = s->params;
    bool normed = has(s->t[MM_NORM]);
    args a = {0};
    winograd_input_args(&a, p, s, x->v, &x->tiles);
    arg_int(&a, line0);
    arg_int(&a, x->block);
    arg_int(&a, normed);
    arg_int(&a, normed && c->flags & FLAG_NORM_SILU);
    return args_run(&a, p, s->kernel[0], s->module, (size_t)lines, ceil_div(x->padded, x->input.CB), 1, 1, 1);
}

static int multiply(plan *p, const step *s, const winograd *x, int line0, int lines)
{
    tensor in = s->t[MM_X], y = s->t[MM_Y];
    int tiles = lines * x->tiles.tw;
    args a = {0};
    arg_tensor(&a, p, y, in);
    arg_tensor(&a, p, x->v, in);
    arg_mem(&a, weight_mem(s->w[0]), 0);
    arg_tensor(&a, p, s->t[MM_BIAS], in);
    arg_tensor(&a, p, s->t[MM_ROW], in);
    arg_tensor(&a, p, s->t[MM_RESIDUAL], in);
    arg_int(&a, in.c);
    winograd_output_args(&a, s);
    arg_int(&a, line0 * x->tiles.tw);
    arg_int(&a, tiles);
    arg_int(&a, x->block);
    return args_run(&a, p, s->kernel[1], s->module, ceil_div(y.c, s->w[0]->panel), ceil_div(tiles, x->block), 1, 1, 1);
}

static int launch(plan *p, const step *s)
{
    int err = 0, all = s->t[MM_Y].n * ((const winograd *)s->state)->tiles.th;
    const winograd *x = s->state;
    for (int line = 0; line < all; line += x->lines) {
        int lines = all - line < x->lines ? all - line : x->lines;
        TRY(transform_input(p, s, x, line, lines));
        TRY(multiply(p, s, x, line, lines));
    }
out:
    return err;
}

const impl conv3x3_winograd_impl = {.name = "winograd",
                                    .fuses_norm = true,
                                    .runs_on = runs_on,
                                    .fits = conv3x3_winograd_fits,
                                    .pays = pays,
                                    .prepare = prepare,
                                    .launch = launch};
