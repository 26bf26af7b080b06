/* SPDX-License-Identifier: MIT */
/* 3x3 convolution with a local-memory tile: cl/conv3x3_gpu.cl. */
#include "ops/gpu_tile.h"
#include "ops/matmul.h"

OCL_KERNEL_SECTION(conv3x3_gpu, GPU_TILE_TUNE, gpu_tile_fits)

static int prepare(plan *p, step *s)
{
    int err = 0;
    gpu_tile *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    int flags = ((const conv_params *)s->params)->flags;
    int norm = has(s->t[MM_NORM]) ? 1 + (flags & FLAG_NORM_SILU ? 1 : 0) : 0;
    gpu_tile_use use = {s->t[MM_X].dt, s->w[0]->dt, s->t[MM_Y].dt, flags, norm};
    s->state = t;
    TRY(tune_values(p, &conv3x3_gpu_kernel, plan_activation(p), s->shape, t));
    TRY(gpu_tile_kernel(p, &s->kernel[0], &conv3x3_gpu_kernel, t, &use));
    TRY(weight_set_layout(s->w[0], LAYOUT_PANELS, t->BN, false));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const gpu_tile *t = s->state;
    tensor y = s->t[MM_Y];
    args a = {.flops = s->op->flops(s)};
    conv_tensor_args(&a, p, s);
    conv_shape_args(&a, s);
    arg_tensor(&a, p, s->t[MM_NORM], s->t[MM_X]);
    return args_run(&a, p, s->kernel[0], s->module, gpu_tile_groups(t, rows_of(y), y.c), 1, 1, gpu_tile_items0(t),
                    gpu_tile_items1(t));
}

const impl conv3x3_gpu_impl = {.name = "gpu", .fuses_norm = true, .prepare = prepare, .launch = launch};
