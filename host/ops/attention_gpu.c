/* SPDX-License-Identifier: MIT */
/* Flash attention with keys and values in local memory: cl/attention_gpu.cl. */
#include "ops/attention.h"

#define ATTENTION_GPU_TUNE(P)                                                                                          \
    P(WG, 64, "16 32 64 128 256", "queries of a work-group")                                                           \
    P(KB, 16, "8 16 32 64", "keys in local memory at a time")
OCL_KERNEL(attention_gpu, ATTENTION_GPU_TUNE)

enum { HEAD_MAX = 96 }; /* an item holds its query and its sums: larger heads spill */

static bool fits(const plan *p, const step *s)
{
    const sdcl_device *d = &ocl_device_of(plan_ocl(p))->info;
    struct attention_gpu_tune t;
    tune_values(p, &attention_gpu_kernel, plan_activation(p), &t);
    return head_size(s) <= HEAD_MAX && (uint64_t)(2 * t.KB * head_size(s)) * 4 <= d->local_bytes &&
           group_fits(p, t.WG, 1);
}

static int prepare(plan *p, step *s)
{
    struct attention_gpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    tune_values(p, &attention_gpu_kernel, plan_activation(p), t);
    return op_kernel(p, &s->kernel[0], &attention_gpu_kernel, t, "-DXT=%s -DYT=%s -DD=%d",
                     dtype_option_name(s->t[ATT_Q].dt), dtype_option_name(s->t[ATT_Y].dt), head_size(s));
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
