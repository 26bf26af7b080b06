/* SPDX-License-Identifier: MIT */
/* GEMM by the matrix instructions of a GPU, at --precision f16: cl/gemm_matrix_gpu.cl. */
#include "ops/gpu_matrix.h"
#include "ops/matmul.h"

#include <string.h>

#define GEMM_MATRIX_GPU_TUNE(P)                                                                                        \
    P(ENGINE, GPU_NONE,                                                                                                \
      "auto mma mma_k8 wmma mfma dpas8 dpas16 plain_mma plain_wmma plain_mfma plain_dpas8 plain_dpas16",               \
      "instruction; auto: what the device offers; plain_*: its layout in plain C, for tests")                          \
    P(BM, 64, "32 64 128", "rows of a work-group's tile")                                                              \
    P(BN, 64, "32 64 128", "columns of a work-group's tile")                                                           \
    P(BK, 32, "16 32 64", "summed values in local memory at a time")                                                   \
    P(FM, 2, "1 2 4", "fragments of a sub-group, along rows")                                                          \
    P(FN, 4, "2 4 8", "fragments of a sub-group, along columns")                                                       \
    P(VW, 8, "2 4 8", "values of a load from global memory")                                                           \
    P(PADA, 4, "0 4 8", "pairs of values between rows of x in local memory, against bank conflicts")                   \
    P(PADB, 8, "0 4 8 16", "the same between rows of the panel")                                                       \
    P(DB, 1, "1 2", "blocks in local memory: with two, one barrier a block")                                           \
    P(SW, 4, "1 2 4 8 16", "blocks of rows that groups walk down before the next panel")
OCL_KERNEL_FITS(gemm_matrix_gpu, GEMM_MATRIX_GPU_TUNE, tile_fits)

typedef struct gemm_matrix_gpu_tune tile;

_Static_assert(sizeof(tile) <= sizeof(((gemm_engine *)0)->tune), "tunables fit the engine");

enum { SUMS_MAX = 64 }; /* of an item: more do not stay in registers */

static gpu_engine engine_of(const ocl_device *d, const tile *t)
{
    return t->ENGINE == GPU_NONE ? gpu_engine_offered(d) : (gpu_engine)t->ENGINE;
}

static int items_of(const tile *t, gpu_fragment f) { return t->BM / (t->FM * f.m) * (t->BN / (t->FN * f.n)) * f.lanes; }

static bool tile_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    const tile *t = tune;
    gpu_engine e = engine_of(d, t);
    (void)shape;
    if (e == GPU_NONE) return false;
    gpu_fragment f = gpu_engine_fragment(e);
    if (t->BM % (t->FM * f.m) || t->BN % (t->FN * f.n) || t->FM * t->FN * f.m * f.n > SUMS_MAX * f.lanes) return false;
    int items = items_of(t, f), loads = t->VW * items, copies = f.lanes == 32 && f.n == 16 ? 2 : 1;
    int local = t->DB * (t->BM * (t->BK / 2 + t->PADA) + t->BK / 2 * (t->BN + t->PADB)) * 4;
    if (e >= GPU_PLAIN_MMA) local += items / f.lanes * copies * (t->FM * f.m + t->FN * f.n) * f.k * 2;
    return t->BM * t->BK % loads == 0 && t->BN * t->BK % (2 * loads) == 0 && (uint64_t)local <= d->info.local_bytes &&
           group_fits(d, items, 1);
}

static int run(const plan *p, const gemm_engine *g, const char *module, const gemm_call *c)
{
    tile t;
    args a = {.flops = 2.0 * c->m * c->n * c->k};
    memcpy(&t, g->tune, sizeof t);
    gemm_args(&a, c);
    arg_mem(&a, c->norm, c->norm_off);
    return args_run(&a, p, g->kernel, module, ceil_div(c->m, t.BM) * ceil_div(c->n, t.BN), 1, 1,
                    (size_t)items_of(&t, gpu_engine_fragment((gpu_engine)t.ENGINE)), 1);
}

int gemm_matrix_gpu_engine(plan *p, gemm_engine *g, ocl_shape shape, int engine, dtype yt)
{
    int err = 0;
    tile t;
    TRY(tune_values(p, &gemm_matrix_gpu_kernel, F16, shape, &t));
    t.ENGINE = engine;
    TRY(op_kernel(p, &g->kernel, &gemm_matrix_gpu_kernel, &t, "-DXT=F16 -DWT=F16 -DYT=%s -DNORM=%d -DGEGLU=%d -DACT=%d",
                  dtype_option_name(yt), g->norm, (g->flags & FLAG_GEGLU) != 0, g->flags >> FLAG_ACT_SHIFT & 3));
    g->run = run;
    g->panel = t.BN;
    memcpy(g->tune, &t, sizeof t);
out:
    return err;
}

static bool fits(const plan *p, const step *s)
{
    tile t;
    ocl *o = plan_ocl(p);
    return s->t[MM_X].dt == F16 && s->w[0]->dt == F16 && tune_fits(p, &gemm_matrix_gpu_kernel, F16, s->shape, &t) &&
           gpu_engine_works(o, engine_of(ocl_device_of(o), &t));
}

static const char *lacks(const plan *p)
{
    tile t;
    ocl *o = plan_ocl(p);
    const ocl_device *d = ocl_device_of(o);
    config_values(ocl_config_of(o), &gemm_matrix_gpu_kernel, precision_word(F16), OCL_ALL_SHAPES, (int *)&t);
    if (plan_precision(p) != F16) return "multiplies at --precision f16 only";
    if (engine_of(d, &t) == GPU_NONE) return "needs matrix instructions, and this device offers none for f16";
    if (!tile_fits(d, (ocl_shape){0, 0, 0}, &t)) return "has a tile that does not fit this device";
    return gpu_engine_works(o, engine_of(d, &t)) ? NULL : "does not compile or computes wrongly on this device";
}

static bool pays(const plan *p, const step *s)
{
    tile t;
    ocl *o = plan_ocl(p);
    return tune_fits(p, &gemm_matrix_gpu_kernel, F16, s->shape, &t) &&
           gpu_engine_pays(o, engine_of(ocl_device_of(o), &t));
}

static int engine(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt)
{
    int err = 0;
    tile t;
    (void)xt; /* f16, both: fits */
    (void)wt;
    TRY(tune_values(p, &gemm_matrix_gpu_kernel, F16, shape, &t));
    TRY(gemm_matrix_gpu_engine(p, g, shape, (int)engine_of(ocl_device_of(plan_ocl(p)), &t), yt));
out:
    return err;
}

static int prepare(plan *p, step *s) { return gemm_step_prepare(p, s, engine); }

const impl gemm_matrix_gpu_impl = {.name = "matrix_gpu",
                                   .fuses_norm = true,
                                   .fits = fits,
                                   .lacks = lacks,
                                   .pays = pays,
                                   .prepare = prepare,
                                   .launch = gemm_step_launch};
