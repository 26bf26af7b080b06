/* SPDX-License-Identifier: MIT */
/* GEMM by CLBlast, then cl/gemm_epilogue.cl; a block of rows at a time. Products and sums are f32 unless MATH is f16, whatever the storage type: weights are
 * stored in that type, and an input in another is converted first. */
#include "ocl/clblast.h"
#include "ops/clblast_operand.h"
#include "ops/clblast_tune.h"
#include "ops/gemm_epilogue.h"
#include "ops/half_probe.h"
#include "ops/matmul.h"

enum { MATH_F32, MATH_F16 };

#define GEMM_CLBLAST_TUNE(P)                                                                                           \
    P(MATH, MATH_F32, "f32 f16", "products and sums; f16: where storage is f16; the device must prove that it can")    \
    P(BLOCK_MB, 256, "4 16 64 256 1024", "most megabytes of converted input and of sums at a time")
OCL_KERNEL(gemm_clblast, GEMM_CLBLAST_TUNE)

typedef struct clblast_state {
    clblast_gemm g;
    epilogue_kernel finish, convert;
    int rows;                  /* of a block */
    tensor x, sums, temporary; /* of a block; NO_TENSOR: x is read in place, no temporary memory is needed */
} clblast_state;

static int math_of(plan *p, const step *s, struct gemm_clblast_tune *t, dtype *math)
{
    int err = tune_values(p, &gemm_clblast_kernel, plan_activation(p), s->shape, t);
    if (err) return err;
    *math = t->MATH == MATH_F16 && s->t[MM_X].dt == F16 ? F16 : F32;
    if (t->MATH != MATH_F16) return 0;
    const sdcl_device *device = &ocl_device_of(plan_ocl(p))->info;
    if (device->has_fp16 && half_arithmetic_works(plan_ocl(p))) return 0; /* the library wants the extension, too */
    err = config_refuse(ocl_config_of(plan_ocl(p)), &gemm_clblast_kernel, plan_activation(p) == F16 ? "f16" : "f32", 0,
                        "MATH = f16, but %s %s", device->name,
                        device->has_fp16 ? "computes wrongly in half" : "does not list cl_khr_fp16");
    error_hint("MATH = f32 works with f16 storage too");
    return err;
}

static int block_rows(const struct gemm_clblast_tune *t, int m, int n, int k)
{
    int64_t most = ((int64_t)t->BLOCK_MB << 20) / (((int64_t)n + k) * 4);
    return most < 1 ? 1 : most < m ? (int)most : m;
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    dtype math;
    uint64_t temporary = 0;
    struct gemm_clblast_tune t;
    tensor x = s->t[MM_X], y = s->t[MM_Y];
    weight *w = s->w[0];
    clblast_state *st = plan_step_alloc(p, sizeof *st);
    if (!st) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = st;
    TRY(math_of(p, s, &t, &math));
    plan_use_section(p, &gemm_clblast_kernel, plan_activation(p), false);
    TRY(clblast_override(p, math == F16));
    TRY(weight_set_columns(w, math));
    st->rows = block_rows(&t, rows_of(x), w->rows, x.c);
    st->x = st->temporary = NO_TENSOR;
    if (x.dt != math) st->x = plan_scratch_first(p, math, 1, 1, st->rows, x.c);
    st->sums = plan_scratch_first(p, math, 1, 1, st->rows, w->rows);
    bool in_place = !has(st->x);
    st->g = (clblast_gemm){.half = math == F16,
                           .m = st->rows,
                           .n = w->rows,
                           .k = x.c,
                           .x = {NULL, in_place, in_place ? x.ld : x.c},
                           .w = {NULL, 0, w->rows},
                           .y = {NULL, 0, w->rows}};
    TRY(clblast_prepare(plan_ocl(p), &st->g, &temporary));
    if (temporary) st->temporary = plan_scratch_first(p, U8, 1, 1, (int)((temporary + 255) / 256), 256);
    TRY(epilogue_prepare(p, s, &st->finish, math, y.dt));
    s->kernel[0] = st->finish.kernel;
    if (!in_place) {
        TRY(epilogue_prepare(p, s, &st->convert, x.dt, math));
        s->kernel[1] = st->convert.kernel;
    }
out:
    return err;
}

/* Rows [first, first + rows) of a tensor. */
static tensor block(tensor t, int first, int rows)
{
    if (!has(t)) return t;
    t.off += (uint64_t)first * (uint64_t)t.ld;
    t.n = t.h = 1;
    t.w = rows;
    return t;
}

static int launch(plan *p, const step *s)
{
    int err = 0, m = rows_of(s->t[MM_X]);
    const clblast_state *st = s->state;
    clblast_gemm g = st->g;
    g.w.mem = weight_mem(s->w[0]);
    if (has(st->temporary)) g.temporary = tensor_mem(p, st->temporary);
    for (int first = 0; first < m; first += st->rows) {
        g.m = m - first < st->rows ? m - first : st->rows;
        tensor x = block(s->t[MM_X], first, g.m), sums = block(st->sums, 0, g.m);
        if (has(st->x)) {
            tensor converted = block(st->x, 0, g.m);
            TRY(epilogue_run(p, s, &st->convert, converted, x, NULL));
            x = converted;
        }
        g.x = clblast_operand_of(p, x);
        g.y = clblast_operand_of(p, sums);
        TRY(clblast_run(plan_ocl(p), plan_queue(p), s->module, &g));
        const epilogue_fuse f = {.bias = s->t[MM_BIAS],
                                 .row = s->t[MM_ROW],
                                 .residual = block(s->t[MM_RESIDUAL], first, g.m),
                                 .first = first,
                                 .image = s->t[MM_X].h * s->t[MM_X].w,
                                 .flags = *(const int *)s->params};
        TRY(epilogue_run(p, s, &st->finish, block(s->t[MM_Y], first, g.m), sums, &f));
    }
out:
    return err;
}

const impl gemm_clblast_impl = {.name = "clblast", .prepare = prepare, .launch = launch};
