/* SPDX-License-Identifier: MIT */
#include "ops/sliced_clblast.h"

#include "ops/attention.h"
#include "ops/clblast_operand.h"
#include "ops/clblast_tune.h"

enum { KERNEL_WIDEN = 1, KERNEL_NARROW }; /* of the step's; 0 is the softmax */

/* offset: the operand will not be the first thing in its memory. */
static clblast_operand shape_of(bool offset, int ld) { return (clblast_operand){NULL, offset, ld}; }

static int prepare_product(plan *p, clblast_gemm *g, uint64_t *most)
{
    uint64_t bytes = 0;
    int err = clblast_prepare(plan_ocl(p), g, &bytes);
    if (bytes > *most) *most = bytes;
    return err;
}

int sliced_clblast_prepare(plan *p, step *s, sliced_clblast *x, int queries)
{
    int err = 0, tk = tokens_of(s->t[ATT_K]), d = head_size(s);
    bool in_place = s->t[ATT_Q].dt == F32;
    uint64_t temporary = 0;
    tensor none = NO_TENSOR;
    TRY(clblast_override(p, false));
    x->q = in_place ? none : plan_scratch_first(p, F32, 1, 1, queries, d);
    x->k = in_place ? none : plan_scratch_first(p, F32, 1, 1, tk, d);
    x->v = in_place ? none : plan_scratch_first(p, F32, 1, 1, tk, d);
    x->y = in_place ? none : plan_scratch_first(p, F32, 1, 1, queries, d);
    x->scores = (clblast_gemm){.transposed = true,
                               .m = queries,
                               .n = tk,
                               .k = d,
                               .x = shape_of(in_place, in_place ? s->t[ATT_Q].ld : d),
                               .w = shape_of(in_place, in_place ? s->t[ATT_K].ld : d),
                               .y = shape_of(false, tk)};
    x->values = (clblast_gemm){.m = queries,
                               .n = d,
                               .k = tk,
                               .x = shape_of(false, tk),
                               .w = shape_of(in_place, in_place ? s->t[ATT_V].ld : d),
                               .y = shape_of(in_place, in_place ? s->t[ATT_Y].ld : d)};
    TRY(prepare_product(p, &x->scores, &temporary));
    TRY(prepare_product(p, &x->values, &temporary));
    x->temporary = temporary ? plan_scratch_first(p, U8, 1, 1, (int)((temporary + 255) / 256), 256) : none;
    if (in_place) goto out;
    TRY(epilogue_prepare(p, s, &x->widen, F16, F32));
    TRY(epilogue_prepare(p, s, &x->narrow, F32, F16));
    s->kernel[KERNEL_WIDEN] = x->widen.kernel;
    s->kernel[KERNEL_NARROW] = x->narrow.kernel;
out:
    return err;
}

int sliced_clblast_head(const plan *p, const step *s, const sliced_clblast *x, tensor k, tensor v)
{
    int err = 0;
    if (!has(x->k)) return 0;
    TRY(epilogue_run(p, s, &x->widen, x->k, k, NULL));
    TRY(epilogue_run(p, s, &x->widen, x->v, v, NULL));
out:
    return err;
}

static int product(const plan *p, const step *s, const sliced_clblast *x, clblast_gemm g, tensor y, tensor from,
                   tensor w)
{
    g.m = y.w;
    g.y = clblast_operand_of(p, y);
    g.x = clblast_operand_of(p, from);
    g.w = clblast_operand_of(p, w);
    if (has(x->temporary)) g.temporary = tensor_mem(p, x->temporary);
    return clblast_run(plan_ocl(p), plan_queue(p), s->module, &g);
}

/* As many rows of a scratch tensor. */
static tensor rows(tensor t, int n)
{
    t.w = n;
    return t;
}

int sliced_clblast_scores(const plan *p, const step *s, const sliced_clblast *x, tensor block, tensor q, tensor k)
{
    int err = 0;
    if (!has(x->q)) return product(p, s, x, x->scores, block, q, k);
    TRY(epilogue_run(p, s, &x->widen, rows(x->q, q.w), q, NULL));
    TRY(product(p, s, x, x->scores, block, rows(x->q, q.w), x->k));
out:
    return err;
}

int sliced_clblast_values(const plan *p, const step *s, const sliced_clblast *x, tensor y, tensor block, tensor v)
{
    int err = 0;
    if (!has(x->y)) return product(p, s, x, x->values, y, block, v);
    TRY(product(p, s, x, x->values, rows(x->y, y.w), block, x->v));
    TRY(epilogue_run(p, s, &x->narrow, y, rows(x->y, y.w), NULL));
out:
    return err;
}
