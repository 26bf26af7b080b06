/* SPDX-License-Identifier: MIT */
/* 3x3 convolution with a local-memory tile: cl/conv3x3_gpu.cl. */
#include "ops/matmul.h"

#define CONV3X3_GPU_TUNE(P)                                                                                            \
    P(BM, 64, "16 32 64 128", "output pixels of a work-group's tile")                                                  \
    P(BN, 64, "16 32 64 128", "output channels of a work-group's tile")                                                \
    P(BK, 16, "8 16 32", "input channels in local memory at a time")                                                   \
    P(TM, 4, "1 2 4 8", "pixels of a work-item")                                                                       \
    P(TN, 4, "2 4 8", "channels of a work-item")
OCL_KERNEL_FITS(conv3x3_gpu, CONV3X3_GPU_TUNE, tile_fits)

static bool tile_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    const struct conv3x3_gpu_tune *t = tune;
    (void)shape;
    return gpu_tile_fits(d, t->BM, t->BN, t->BK, t->TM, t->TN);
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    struct conv3x3_gpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &conv3x3_gpu_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &conv3x3_gpu_kernel, t, "-DXT=%s -DWT=%s -DYT=%s", dtype_option_name(s->t[MM_X].dt),
                  dtype_option_name(s->w[0]->dt), dtype_option_name(s->t[MM_Y].dt)));
    TRY(weight_set_layout(s->w[0], LAYOUT_PANELS, t->BN, false));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const struct conv3x3_gpu_tune *t = s->state;
    tensor y = s->t[MM_Y];
    args a = {0};
    conv_tensor_args(&a, p, s);
    conv_shape_args(&a, s);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(y.c, t->BN) * ceil_div(rows_of(y), t->BM), 1, 1,
                    (size_t)(t->BN / t->TN), (size_t)(t->BM / t->TM));
}

const impl conv3x3_gpu_impl = {"gpu", false, NULL, prepare, launch};
