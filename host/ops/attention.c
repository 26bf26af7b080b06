/* SPDX-License-Identifier: MIT */
/* y = softmax(scale * q k^T) v. */
#include "ops/attention.h"

static double flops(const step *s) { return 4.0 * rows_of(s->t[ATT_Q]) * tokens_of(s->t[ATT_K]) * s->t[ATT_Q].c; }

static const ocl_tunable attention_tunables[] = {
    {"impl", 0, "auto matrix flash_cpu flash_gpu sliced", "implementation"},
    {"slice_mb", 16, "1 4 16 64 256", "sliced: most megabytes of scores at a time"},
};
const ocl_section attention_section = {"attention", attention_tunables, 2, 1, NULL};
static const impl *const attention_impls[] = {&attention_matrix_impl, &attention_cpu_impl, &attention_gpu_impl,
                                              &attention_sliced_impl, NULL};
static const op attention_op = {"attention", &attention_section, attention_impls, flops};

int op_attention(plan *p, tensor y, tensor q, tensor k, tensor v, int heads, float scale, bool causal)
{
    attention_params a = {heads, causal, scale};
    step s = {.op = &attention_op,
              .shape = {tokens_of(q), tokens_of(k), heads > 0 ? q.c / heads : 0},
              .operands = ATT_OPERANDS,
              .t = {y, q, k, v},
              .role = {ROLE_OUT},
              .params = &a};
    if (heads < 1 || q.c % heads || !same_shape(y, q) || k.c != q.c || v.c != q.c || k.n != q.n || v.n != q.n ||
        tokens_of(k) != tokens_of(v) || k.dt != q.dt || v.dt != q.dt)
        return FAIL(SDCL_EMODEL, "%s: attention: q (%d,%d,%d), k (%d,%d,%d), v (%d,%d,%d), %d heads", plan_scope(p),
                    q.n, tokens_of(q), q.c, k.n, tokens_of(k), k.c, v.n, tokens_of(v), v.c, heads);
    if (causal && tokens_of(k) != tokens_of(q))
        return FAIL(SDCL_EINTERNAL, "%s: causal attention needs as many keys as queries", plan_scope(p));
    return plan_add(p, &s, &a, sizeof a);
}

void attention_args(args *a, const plan *p, const step *s)
{
    const attention_params *v = s->params;
    tensor y = s->t[ATT_Y], q = s->t[ATT_Q], k = s->t[ATT_K];
    arg_tensor(a, p, y, y);
    arg_tensor(a, p, q, q);
    arg_tensor(a, p, k, k);
    arg_tensor(a, p, s->t[ATT_V], k);
    arg_int(a, tokens_of(q));
    arg_int(a, tokens_of(k));
    arg_int(a, q.ld);
    arg_int(a, k.ld);
    arg_int(a, s->t[ATT_V].ld);
    arg_int(a, y.ld);
    arg_int(a, v->causal);
    arg_float(a, v->scale);
}
