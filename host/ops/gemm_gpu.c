/* SPDX-License-Identifier: MIT */
/* GEMM with a local-memory tile: cl/gemm_gpu.cl. The plainest f32 implementation that every device runs. */
#include "ops/matmul.h"

#include <string.h>

#define GEMM_GPU_TUNE(P)                                                                                               \
    P(BM, 64, "16 32 64 128", "rows of a work-group's tile")                                                           \
    P(BN, 64, "16 32 64 128", "columns of a work-group's tile")                                                        \
    P(BK, 16, "8 16 32", "values of K in local memory at a time")                                                      \
    P(TM, 4, "1 2 4 8", "rows of a work-item")                                                                         \
    P(TN, 4, "2 4 8", "columns of a work-item")
OCL_KERNEL_FITS(gemm_gpu, GEMM_GPU_TUNE, tile_fits)

_Static_assert(sizeof(struct gemm_gpu_tune) <= sizeof(((gemm_engine *)0)->tune), "tunables fit the engine");

static int run(const plan *p, const gemm_engine *g, const char *module, const gemm_call *c)
{
    struct gemm_gpu_tune t;
    args a = {0};
    memcpy(&t, g->tune, sizeof t);
    gemm_args(&a, c);
    return args_run(&a, p, g->kernel, module, ceil_div(c->n, t.BN) * ceil_div(c->m, t.BM), 1, 1, (size_t)(t.BN / t.TN),
                    (size_t)(t.BM / t.TM));
}

static bool tile_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    const struct gemm_gpu_tune *t = tune;
    (void)shape;
    return gpu_tile_fits(d, t->BM, t->BN, t->BK, t->TM, t->TN);
}

int gemm_gpu_engine(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt)
{
    int err = 0;
    struct gemm_gpu_tune t;
    TRY(tune_values(p, &gemm_gpu_kernel, plan_activation(p), shape, &t));
    g->run = run;
    g->panel = t.BN;
    memcpy(g->tune, &t, sizeof t);
    TRY(op_kernel(p, &g->kernel, &gemm_gpu_kernel, &t, "-DXT=%s -DWT=%s -DYT=%s", dtype_option_name(xt),
                  dtype_option_name(wt), dtype_option_name(yt)));
out:
    return err;
}

static int prepare(plan *p, step *s) { return gemm_step_prepare(p, s, gemm_gpu_engine); }

const impl gemm_gpu_impl = {"gpu", false, NULL, prepare, gemm_step_launch};
