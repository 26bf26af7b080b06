/* SPDX-License-Identifier: MIT */
/* Flash attention with keys and values in local memory: cl/attention_gpu.cl. */
#include "ops/attention.h"

#define ATTENTION_GPU_TUNE(P)                                                                                          \
    P(WG, 64, "16 32 64 128 256", "queries of a work-group")                                                           \
    P(KB, 16, "8 16 32 64", "keys in local memory at a time")
OCL_KERNEL_FITS(attention_gpu, ATTENTION_GPU_TUNE, block_fits)

enum { HEAD_MAX = 96 }; /* an item holds its query and its sums: larger heads spill */

static bool block_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    const struct attention_gpu_tune *t = tune;
    return (uint64_t)(2 * t->KB * shape.k) * 4 <= d->info.local_bytes;
}

static bool fits(const plan *p, const step *s)
{
    struct attention_gpu_tune t;
    return head_size(s) <= HEAD_MAX && tune_fits(p, &attention_gpu_kernel, plan_activation(p), s->shape, &t);
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    struct attention_gpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &attention_gpu_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &attention_gpu_kernel, t, "-DXT=%s -DYT=%s -DD=%d",
                  dtype_option_name(s->t[ATT_Q].dt), dtype_option_name(s->t[ATT_Y].dt), head_size(s)));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const struct attention_gpu_tune *t = s->state;
    const attention_params *v = s->params;
    args a = {0};
    attention_args(&a, p, s);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(tokens_of(s->t[ATT_Q]), t->WG), (size_t)v->heads,
                    (size_t)s->t[ATT_Q].n, (size_t)t->WG, 1);
}

const impl attention_gpu_impl = {"flash_gpu", false, fits, prepare, launch};
