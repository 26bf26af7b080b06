/* SPDX-License-Identifier: MIT */
/* GEMM with a local-memory tile: cl/gemm_gpu.cl. The plainest f32 implementation that every device runs. */
#include "ops/gpu_tile.h"
#include "ops/matmul.h"

#include <string.h>

OCL_KERNEL_SECTION(gemm_gpu, GPU_TILE_TUNE, gpu_tile_fits)

_Static_assert(sizeof(gpu_tile) <= sizeof(((gemm_engine *)0)->tune), "tunables fit the engine");

static int run(const plan *p, const gemm_engine *g, const char *module, const gemm_call *c)
{
    gpu_tile t;
    args a = {.flops = 2.0 * c->m * c->n * c->k};
    memcpy(&t, g->tune, sizeof t);
    gemm_args(&a, c);
    arg_mem(&a, c->norm, c->norm_off);
    return args_run(&a, p, g->kernel, module, gpu_tile_groups(&t, c->m, c->n), 1, 1, gpu_tile_items0(&t),
                    gpu_tile_items1(&t));
}

int gemm_gpu_engine(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt)
{
    int err = 0;
    gpu_tile t;
    gpu_tile_use use = {xt, wt, yt, g->flags, g->norm};
    TRY(tune_values(p, &gemm_gpu_kernel, plan_activation(p), shape, &t));
    TRY(gpu_tile_kernel(p, &g->kernel, &gemm_gpu_kernel, &t, &use));
    g->run = run;
    g->panel = t.BN;
    memcpy(g->tune, &t, sizeof t);
out:
    return err;
}

static int prepare(plan *p, step *s) { return gemm_step_prepare(p, s, gemm_gpu_engine); }

const impl gemm_gpu_impl = {.name = "gpu", .fuses_norm = true, .prepare = prepare, .launch = gemm_step_launch};
