/* SPDX-License-Identifier: MIT */
/* Flash attention by the matrix instructions of an x86 CPU, at --precision bf16: cl/attention_matrix_cpu.cl. */
#include "ops/attention.h"
#include "ops/x86_matrix.h"

#define ATTENTION_MATRIX_CPU_TUNE(P)                                                                                   \
    P(NQ, 4, "1 2 3 4", "vectors of 16 queries of a register tile; amx: 2")                                            \
    P(RR, 4, "4 6 8 12", "keys of a register tile of the scores, channels of one of the sums; amx: 16")                \
    P(GQ, 16, "1 2 4 8 16 32",                                                                                         \
      "register tiles of queries of a work-item: what the copy of a key block is spread over")                         \
    P(KB, 96, "24 48 96 192", "keys of a block; amx: to whole 32")
OCL_KERNEL(attention_matrix_cpu, ATTENTION_MATRIX_CPU_TUNE)

static bool fits(const plan *p, const step *s)
{
    const attention_params *v = s->params;
    return !v->causal && head_size(s) <= FLASH_CPU_HEAD_MAX && !x86_matrix_lacks(p);
}

static int prepare(plan *p, step *s)
{
    int err = 0;
    x86_engine engine = x86_matrix_engine(plan_ocl(p), OCL_ALL_SHAPES);
    struct attention_matrix_cpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &attention_matrix_cpu_kernel, BF16, s->shape, t));
    if (x86_has_tiles(engine)) {
        t->NQ = 2;
        t->RR = 16;
        t->KB = (int)ceil_div(t->KB, 32) * 32;
        if (t->GQ < 32) t->GQ *= 2; /* as many queries as with NQ 4 */
    }
    TRY(op_kernel(p, &s->kernel[0], &attention_matrix_cpu_kernel, t, "-DXT=%s -DYT=%s -DD=%d -DENGINE=%d",
                  dtype_option_name(s->t[ATT_Q].dt), dtype_option_name(s->t[ATT_Y].dt), head_size(s), (int)engine));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const struct attention_matrix_cpu_tune *t = s->state;
    return attention_cpu_launch(p, s, 16 * t->NQ, t->GQ);
}

const impl attention_matrix_impl = {
    .name = "matrix", .fits = fits, .lacks = x86_matrix_lacks, .prepare = prepare, .launch = launch};
