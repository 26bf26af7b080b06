/* SPDX-License-Identifier: MIT */
#include "ops/gemm_epilogue.h"

#define GEMM_EPILOGUE_TUNE(P)                                                                                          \
    P(WG, 64, "1 16 32 64 128 256", "work-items over the columns, 8 columns each")                                     \
    P(ROWS, 8, "1 4 8 16 32 64", "rows a work-item walks over")
OCL_KERNEL(gemm_epilogue, GEMM_EPILOGUE_TUNE)

int epilogue_prepare(plan *p, const step *s, epilogue_kernel *e, dtype from, dtype to)
{
    int err = 0;
    struct gemm_epilogue_tune t;
    TRY(tune_values(p, &gemm_epilogue_kernel, plan_activation(p), s->shape, &t));
    TRY(op_kernel(p, &e->kernel, &gemm_epilogue_kernel, &t, "-DXT=%s -DYT=%s", dtype_option_name(from),
                  dtype_option_name(to)));
    e->wg = t.WG;
    e->rows = t.ROWS;
out:
    return err;
}

int epilogue_run(const plan *p, const step *s, const epilogue_kernel *e, tensor to, tensor from, const epilogue_fuse *f)
{
    static const epilogue_fuse copy = {.bias = {.buf = -1}, .row = {.buf = -1}, .residual = {.buf = -1}, .image = 1};
    args a = {0};
    if (!f) f = &copy;
    arg_tensor(&a, p, to, to);
    arg_tensor(&a, p, from, from);
    arg_tensor(&a, p, f->bias, from);
    arg_tensor(&a, p, f->row, from);
    arg_tensor(&a, p, f->residual, from);
    arg_int(&a, to.w);
    arg_int(&a, to.c);
    arg_int(&a, from.ld);
    arg_int(&a, to.ld);
    arg_int(&a, has(f->residual) ? f->residual.ld : 0);
    arg_int(&a, has(f->row) ? f->row.ld : 0);
    arg_int(&a, f->first);
    arg_int(&a, f->image);
    arg_int(&a, f->flags);
    return args_run(&a, p, e->kernel, s->module, ceil_div(to.w, e->rows), e->wg == 1 ? 1 : ceil_div(to.c, 8 * e->wg), 1,
                    (size_t)e->wg, 1);
}
