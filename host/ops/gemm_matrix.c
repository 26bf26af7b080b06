/* SPDX-License-Identifier: MIT */
/* GEMM by the matrix instructions of an x86 CPU, at --precision bf16: cl/gemm_matrix_cpu.cl. */
#include "ops/matmul.h"
#include "ops/x86_matrix.h"

#include <string.h>

#define GEMM_MATRIX_CPU_TUNE(P)                                                                                        \
    P(MR, 8, "4 6 8 12 16 32", "rows of a register tile; amx: 32")                                                     \
    P(NP, 3, "1 2 3", "panels of 16 columns of a register tile; amx: 2")                                               \
    P(RB, 96, "32 96 192", "rows of a cache block")                                                                    \
    P(PB, 24, "6 12 24", "panels of a cache block")                                                                    \
    P(KC, 256, "64 128 256 512", "values of K rounded before the next panel")
OCL_KERNEL(gemm_matrix_cpu, GEMM_MATRIX_CPU_TUNE)

_Static_assert(sizeof(struct gemm_matrix_cpu_tune) <= sizeof(((gemm_engine *)0)->tune), "tunables fit the engine");

bool ops_multiply_bf16(ocl *o) { return ocl_device_of(o)->cpu && x86_matrix_engine(o, OCL_ALL_SHAPES) != X86_NONE; }

static int run(const plan *p, const gemm_engine *g, const char *module, const gemm_call *c)
{
    int rb, groups, geglu = c->flags & FLAG_GEGLU,
                    panels = geglu ? 2 * (int)ceil_div(c->n / 2, 16) : (int)ceil_div(c->n, 16);
    struct gemm_matrix_cpu_tune t;
    args a = {0};
    memcpy(&t, g->tune, sizeof t);
    cpu_blocks(p, c->m, (int)ceil_div(panels, t.NP), t.MR, t.RB, t.PB / t.NP, &rb, &groups);
    if (geglu && groups * t.NP % 2) groups++;
    return gemm_run_blocks(&a, p, g, module, c, panels, rb, groups * t.NP);
}

int gemm_matrix_engine(plan *p, gemm_engine *g, ocl_shape shape, int engine, dtype xt, dtype yt)
{
    int err = 0;
    struct gemm_matrix_cpu_tune t;
    TRY(tune_values(p, &gemm_matrix_cpu_kernel, BF16, shape, &t));
    x86_register_tile((x86_engine)engine, &t.MR, &t.NP);
    if (t.RB % t.MR) t.RB = (int)ceil_div(t.RB, t.MR) * t.MR;
    g->run = run;
    g->panel = 16;
    memcpy(g->tune, &t, sizeof t);
    TRY(op_kernel(p, &g->kernel, &gemm_matrix_cpu_kernel, &t, "-DXT=%s -DYT=%s -DENGINE=%d", dtype_option_name(xt),
                  dtype_option_name(yt), engine));
out:
    return err;
}

static bool fits(const plan *p, const step *s)
{
    struct gemm_matrix_cpu_tune t;
    return !x86_matrix_lacks_at(p, s->shape) && tune_fits(p, &gemm_matrix_cpu_kernel, BF16, s->shape, &t);
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    gemm_engine *g = plan_step_alloc(p, sizeof *g);
    if (!g) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = g;
    TRY(gemm_matrix_engine(p, g, s->shape, (int)x86_matrix_engine(plan_ocl(p), s->shape), s->t[MM_X].dt,
                           s->t[MM_Y].dt));
    s->kernel[0] = g->kernel;
    plan_use_section(p, s->op->section, BF16, true);
    TRY(x86_matrix_weight(p, s->w[0], *(const int *)s->params & FLAG_GEGLU));
out:
    return err;
}

const impl gemm_matrix_impl = {
    .name = "matrix", .fits = fits, .lacks = x86_matrix_lacks, .prepare = prepare, .launch = gemm_step_launch};
