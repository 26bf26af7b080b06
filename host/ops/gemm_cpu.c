/* SPDX-License-Identifier: MIT */
/* GEMM on CPU devices: cl/gemm_cpu.cl. */
#include "ops/matmul.h"

#include <string.h>

#define GEMM_CPU_TUNE(P)                                                                                               \
    P(MR, 8, "4 6 8 12", "rows of a register tile")                                                                    \
    P(NV, 3, "1 2 3 4", "most vectors of 16 columns of a register tile")                                               \
    P(RB, 96, "24 48 96 192", "rows of a cache block")                                                                 \
    P(PB, 4, "1 2 4 8", "panels of 16 NV columns of a cache block")                                                    \
    P(KC, 128, "64 128 256 512", "values of K summed before the next panel")
OCL_KERNEL(gemm_cpu, GEMM_CPU_TUNE)

_Static_assert(sizeof(struct gemm_cpu_tune) <= sizeof(((gemm_engine *)0)->tune), "tunables fit the engine");

static int run(const plan *p, const gemm_engine *g, const char *module, const gemm_call *c)
{
    int rb, pb, panels = (int)ceil_div(c->n, g->panel);
    struct gemm_cpu_tune t;
    args a = {.packed = true};
    memcpy(&t, g->tune, sizeof t);
    cpu_blocks(p, c->m, panels, t.MR, t.RB, t.PB, &rb, &pb);
    return gemm_run_blocks(&a, p, g, module, c, panels, rb, pb);
}

int gemm_cpu_engine(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt)
{
    int err = 0;
    struct gemm_cpu_tune t;
    TRY(tune_values(p, &gemm_cpu_kernel, plan_activation(p), shape, &t));
    t.NV = panel_vectors(shape.n, t.NV);
    g->run = run;
    g->panel = 16 * t.NV;
    memcpy(g->tune, &t, sizeof t);
    TRY(op_kernel(p, &g->kernel, &gemm_cpu_kernel, &t, "-DXT=%s -DWT=%s -DYT=%s", dtype_option_name(xt),
                  dtype_option_name(wt), dtype_option_name(yt)));
out:
    return err;
}

static bool runs_on(const ocl_device *d) { return d->cpu; }

static int prepare(plan *p, step *s) { return gemm_step_prepare(p, s, gemm_cpu_engine); }

const impl gemm_cpu_impl = {.name = "cpu", .runs_on = runs_on, .prepare = prepare, .launch = gemm_step_launch};
