/* SPDX-License-Identifier: MIT */
/* y = epilogue(x * w^T). */
#include "ops/matmul.h"

static double flops(const step *s) { return 2.0 * rows_of(s->t[MM_X]) * s->t[MM_X].c * s->w[0]->rows; }

static const ocl_tunable gemm_tunables[] = {
    {"impl", 0, "auto matrix cpu matrix_gpu gpu clblast", "implementation"},
    {"matrix", 0, "auto dot amx plain amx_plain",
     "matrix: AVX512-BF16, AMX, or the layouts of either in plain C; auto: the fastest on the device"},
};
const ocl_section gemm_section = {"gemm", gemm_tunables, 2, 1, NULL};
static const impl *const gemm_impls[] = {&gemm_matrix_impl, &gemm_cpu_impl,     &gemm_matrix_gpu_impl,
                                         &gemm_gpu_impl,    &gemm_clblast_impl, NULL};
static const op gemm_op = {"gemm", &gemm_section, gemm_impls, flops};

int op_gemm(plan *p, tensor y, tensor x, weight *w, fuse f)
{
    int err = 0, flags = 0;
    step s;
    if (w->taps != 1 || w->columns != x.c || w->rows != (f.geglu ? 2 * y.c : y.c))
        return FAIL(SDCL_EMODEL, "%s: weight is [%d,%d], expected [%d,%d]", plan_scope(p), w->rows,
                    w->columns * w->taps, f.geglu ? 2 * y.c : y.c, x.c);
    if (y.n != x.n || y.h != x.h || y.w != x.w) return FAIL(SDCL_EINTERNAL, "%s: gemm: rows differ", plan_scope(p));
    TRY(matmul_flags(p, "gemm", y, w->rows, &f, &flags));
    TRY(matmul_step(p, &s, &gemm_op, y, x, w, &flags, &f));
    TRY(plan_add(p, &s, &flags, sizeof flags));
out:
    return err;
}
