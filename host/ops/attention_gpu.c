/* SPDX-License-Identifier: MIT */
/* Flash attention with queries, keys and values in local memory: cl/attention_gpu.cl. */
#include "ops/attention.h"
#include "ops/subgroup.h"

#define ATTENTION_GPU_TUNE(P)                                                                                          \
    P(BQ, 64, "16 32 64 128", "most queries of a work-group")                                                          \
    P(BK, 32, "8 16 32 64", "most keys in local memory at a time")                                                     \
    P(TQ, 4, "1 2 4 8", "queries of a work-item")                                                                      \
    P(SHARE, 8, "4 8 16 32", "work-items that share a query, at least")                                                \
    P(VW, 4, "1 2 4 8", "values of a load from global memory")                                                         \
    P(PAD, 4, "0 4 8", "values between rows in local memory, against bank conflicts")                                  \
    P(KEEP, 1, "0 1", "1: at --precision f16 local memory holds halves")                                               \
    REDUCE_TUNE(P)
OCL_KERNEL_FITS(attention_gpu, ATTENTION_GPU_TUNE, block_fits)

/* Sums of an item that stay in registers; a larger head, or less local memory than these want, makes the blocks smaller. */
enum { SUMS_MAX = 24, SHARE_MAX = 32, HEAD_MAX = 160 };

static uint64_t local_bytes(const struct attention_gpu_tune *t, int d)
{
    int row = (d + 3) / 4 * 4 + t->PAD;
    return 4 * (uint64_t)((t->BQ + t->BK) * row + t->BQ * (t->BK + 4) + t->BQ * (t->SHARE + 1));
}

/* The tile for heads of d values: as many items for a query as keep the sums in registers, blocks that local memory holds. false: there is none. */
static bool fit(const ocl_device *device, int d, struct attention_gpu_tune *t)
{
    while (t->TQ * (int)ceil_div(d, t->SHARE) > SUMS_MAX && t->SHARE < SHARE_MAX) t->SHARE *= 2;
    if (t->BK < t->SHARE) t->BK = t->SHARE;
    while (local_bytes(t, d) > device->info.local_bytes || !group_fits(device, t->SHARE, t->BQ / t->TQ)) {
        if (t->BQ > 16) t->BQ /= 2;
        else if (t->BK > t->SHARE) t->BK /= 2;
        else if (t->BQ > t->TQ) t->BQ /= 2;
        else return false;
    }
    return d <= HEAD_MAX;
}

static bool block_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    struct attention_gpu_tune t = *(const struct attention_gpu_tune *)tune;
    return fit(d, shape.k, &t);
}

static bool fits(const plan *p, const step *s)
{
    (void)p;
    return head_size(s) <= HEAD_MAX;
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    struct attention_gpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &attention_gpu_kernel, plan_activation(p), s->shape, t));
    fit(ocl_device_of(plan_ocl(p)), head_size(s), t);
    char exchange[SUBGROUP_OPTIONS] = "";
    if (t->REDUCE) {
        subgroup lanes = subgroup_proved(plan_ocl(p), t->SHARE, t->SHARE * (t->BQ / t->TQ));
        t->REDUCE = lanes.how != EXCHANGE_NONE;
        if (t->REDUCE) subgroup_options(exchange, lanes);
    }
    TRY(op_kernel(p, &s->kernel[0], &attention_gpu_kernel, t, "-DXT=%s -DYT=%s -DD=%d %s",
                  dtype_option_name(s->t[ATT_Q].dt), dtype_option_name(s->t[ATT_Y].dt), head_size(s), exchange));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const struct attention_gpu_tune *t = s->state;
    const attention_params *v = s->params;
    args a = {.flops = s->op->flops(s)};
    attention_args(&a, p, s);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(tokens_of(s->t[ATT_Q]), t->BQ), (size_t)v->heads,
                    (size_t)s->t[ATT_Q].n, (size_t)t->SHARE, (size_t)(t->BQ / t->TQ));
}

const impl attention_gpu_impl = {.name = "flash_gpu", .fits = fits, .prepare = prepare, .launch = launch};
