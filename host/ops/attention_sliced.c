/* SPDX-License-Identifier: MIT */
/* Attention as two matrix products and a softmax over a block of queries at a time: any head size, scores within [attention] slice_mb. The products are those
 * that [gemm] impl forces, or that suit the device. */
#include "ops/attention.h"
#include "ops/sliced_clblast.h"
#include "ops/subgroup.h"

#include <string.h>

#define SOFTMAX_ROWS_TUNE(P)                                                                                           \
    P(WG, 64, "1 16 32 64 128 256", "work-items per row")                                                              \
    P(VW, 8, "8 16", "floats of a vector")                                                                             \
    REDUCE_TUNE(P)
OCL_KERNEL(softmax_rows, SOFTMAX_ROWS_TUNE)

static const ocl_section pack_section = {"pack_rows", NULL, 0, 0, NULL};

typedef struct sliced {
    gemm_engine scores, values; /* q k^T -> F32; weights * v */
    struct softmax_rows_tune softmax;
    tensor keys_packed, values_packed, block;
    int queries;  /* of a block */
    bool library; /* in place of the engines and of packed operands: */
    sliced_clblast clblast;
} sliced;

enum { KERNEL_SOFTMAX, KERNEL_PACK, KERNEL_SCORES, KERNEL_VALUES };

/* For all shapes: those of [gemm] are of linear layers. */
static bool products_by(const plan *p, const char *impl)
{
    const char *word = config_word(ocl_config_of(plan_ocl(p)), &gemm_section, precision_word(plan_precision(p)),
                                   OCL_ALL_SHAPES, "impl");
    return !strcmp(word, impl);
}

static int gemm_for_device(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt)
{
    return ocl_device_of(plan_ocl(p))->cpu && !products_by(p, "gpu") ? gemm_cpu_engine(p, g, shape, xt, wt, yt)
                                                                     : gemm_gpu_engine(p, g, shape, xt, wt, yt);
}

static int padded(int n, int panel) { return (int)ceil_div(n, panel) * panel; }

static int prepare_engines(plan *p, step *s, sliced *x)
{
    int err = 0;
    tensor q = s->t[ATT_Q], k = s->t[ATT_K];
    int tq = tokens_of(q), tk = tokens_of(k), d = head_size(s);
    TRY(gemm_for_device(p, &x->scores, (ocl_shape){tq, tk, d}, q.dt, k.dt, F32));
    TRY(gemm_for_device(p, &x->values, (ocl_shape){tq, d, tk}, F32, k.dt, s->t[ATT_Y].dt));
    s->kernel[KERNEL_SCORES] = x->scores.kernel;
    s->kernel[KERNEL_VALUES] = x->values.kernel;
    x->keys_packed = plan_scratch(p, k.dt, 1, 1, padded(tk, x->scores.panel), d);
    x->values_packed = plan_scratch(p, k.dt, 1, 1, padded(d, x->values.panel), tk);
    TRY(op_kernel(p, &s->kernel[KERNEL_PACK], &pack_section, NULL, "-DT=%s -DBLOCK=%d", k.dt == F16 ? "ushort" : "uint",
                  PACK_BLOCK));
out:
    return err;
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    char exchange[SUBGROUP_OPTIONS] = "";
    int tq = tokens_of(s->t[ATT_Q]), tk = tokens_of(s->t[ATT_K]);
    struct {
        int impl, slice_mb;
    } values; /* of attention_section: none of them exclude each other */
    tune_fits(p, &attention_section, plan_precision(p), s->shape, &values);
    int64_t most = ((int64_t)values.slice_mb << 20) / ((int64_t)tk * 4);
    sliced *x = plan_step_alloc(p, sizeof *x);
    if (!x) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = x;
    x->queries = most < 1 ? 1 : most < tq ? (int)most : tq;
    x->library = products_by(p, "clblast");
    x->block = plan_scratch_first(p, F32, 1, 1, x->queries, tk);
    TRY(tune_values(p, &softmax_rows_kernel, plan_activation(p), s->shape, &x->softmax));
    plan_use_section(p, &attention_section, plan_precision(p), false);
    x->softmax.REDUCE = x->softmax.REDUCE && subgroup_of_rows(plan_ocl(p), x->softmax.WG, exchange);
    TRY(op_kernel(p, &s->kernel[KERNEL_SOFTMAX], &softmax_rows_kernel, &x->softmax, "-DXT=F32 %s", exchange));
    if (x->library) TRY(sliced_clblast_prepare(p, s, &x->clblast, x->queries));
    else TRY(prepare_engines(p, s, x));
out:
    return err;
}

/* One head of k or v into panels: `rows` output columns of the product, `columns` summed values. */
static int pack(const plan *p, const step *s, tensor to, tensor from, int rows, int columns, int panel, int row_stride,
                int column_stride)
{
    args a = {0};
    arg_tensor(&a, p, to, to);
    arg_tensor(&a, p, from, from);
    arg_int(&a, rows);
    arg_int(&a, 0);
    arg_int(&a, rows);
    arg_int(&a, columns);
    arg_int(&a, 1);
    arg_int(&a, panel);
    arg_int(&a, 0);
    arg_int(&a, row_stride);
    arg_int(&a, column_stride);
    arg_int(&a, 0);
    return args_run(&a, p, s->kernel[KERNEL_PACK], s->module, ceil_div(columns, PACK_BLOCK), ceil_div(rows, panel), 1,
                    1, 1);
}

static int softmax(const plan *p, const step *s, const sliced *x, int rows, int tk, int first)
{
    const attention_params *v = s->params;
    args a = {0};
    arg_tensor(&a, p, x->block, x->block);
    arg_int(&a, tk);
    arg_int(&a, tk);
    arg_int(&a, v->causal);
    arg_int(&a, first);
    arg_float(&a, v->scale);
    return args_run(&a, p, s->kernel[KERNEL_SOFTMAX], s->module, (size_t)rows, 1, 1, (size_t)x->softmax.WG, 1);
}

/* y (m, n) = x (m, k) * panels, nothing fused. */
static int product(const plan *p, const step *s, const gemm_engine *g, tensor y, tensor x, tensor w, int m, int n,
                   int k)
{
    gemm_call c = {.y = tensor_mem(p, y),
                   .y_off = tensor_off(p, y),
                   .x = tensor_mem(p, x),
                   .x_off = tensor_off(p, x),
                   .w = tensor_mem(p, w),
                   .w_off = tensor_off(p, w),
                   .m = m,
                   .n = n,
                   .k = k,
                   .ldx = x.ld,
                   .ldy = y.ld,
                   .image = m};
    c.bias = c.row = c.residual = c.norm = c.x;
    return g->run(p, g, s->module, &c);
}

/* Channels of head h, n tokens from t on, of image i: (1, 1, n, d). */
static tensor head(tensor x, int i, int h, int d, int t, int n)
{
    x = channels(images(x, i, 1), h * d, d);
    x.off += (uint64_t)t * (uint64_t)x.ld;
    x.h = 1;
    x.w = n;
    return x;
}

static int block_by_engines(const plan *p, const step *s, const sliced *x, tensor y, tensor q, int tk, int first)
{
    int err = 0, m = q.w, d = q.c;
    TRY(product(p, s, &x->scores, x->block, q, x->keys_packed, m, tk, d));
    TRY(softmax(p, s, x, m, tk, first));
    TRY(product(p, s, &x->values, y, x->block, x->values_packed, m, d, tk));
out:
    return err;
}

static int block_by_clblast(const plan *p, const step *s, const sliced *x, tensor y, tensor q, tensor k, tensor v,
                            int first)
{
    int err = 0;
    tensor block = x->block;
    block.w = q.w;
    TRY(sliced_clblast_scores(p, s, &x->clblast, block, q, k));
    TRY(softmax(p, s, x, q.w, k.w, first));
    TRY(sliced_clblast_values(p, s, &x->clblast, y, block, v));
out:
    return err;
}

static int launch_head(const plan *p, const step *s, int i, int h)
{
    int err = 0, d = head_size(s), tq = tokens_of(s->t[ATT_Q]), tk = tokens_of(s->t[ATT_K]);
    const sliced *x = s->state;
    tensor k = head(s->t[ATT_K], i, h, d, 0, tk), v = head(s->t[ATT_V], i, h, d, 0, tk);
    if (x->library) TRY(sliced_clblast_head(p, s, &x->clblast, k, v));
    else {
        TRY(pack(p, s, x->keys_packed, k, tk, d, x->scores.panel, k.ld, 1));
        TRY(pack(p, s, x->values_packed, v, d, tk, x->values.panel, 1, v.ld));
    }
    for (int t = 0; t < tq; t += x->queries) {
        int m = tq - t < x->queries ? tq - t : x->queries;
        tensor q = head(s->t[ATT_Q], i, h, d, t, m), y = head(s->t[ATT_Y], i, h, d, t, m);
        if (x->library) TRY(block_by_clblast(p, s, x, y, q, k, v, t));
        else TRY(block_by_engines(p, s, x, y, q, tk, t));
    }
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    int err = 0;
    const attention_params *v = s->params;
    for (int i = 0; i < s->t[ATT_Q].n; i++)
        for (int h = 0; h < v->heads; h++) TRY(launch_head(p, s, i, h));
out:
    return err;
}

const impl attention_sliced_impl = {.name = "sliced", .prepare = prepare, .launch = launch};
