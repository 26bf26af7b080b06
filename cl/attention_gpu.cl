/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Attention with an online softmax on a GPU; operands as in attention_cpu.cl. One item per query; the group shares blocks of KB keys and values in
 * local memory.
 *   launch: dimension 0 groups of WG queries, 1 heads, 2 images.  tune: WG, KB.  -DD: head size */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void attention_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *q, ulong qo, __global const XTYPE *k, ulong ko,
                   __global const XTYPE *v, ulong vo, int tq, int tk, int ldq, int ldk, int ldv, int ldy, int causal, float scale)
{
    __local float keys[KB * D], values[KB * D];
    int item = (int)get_local_id(0), i = (int)get_global_id(0), head = (int)get_group_id(1), image = (int)get_group_id(2);
    float query[D], sum[D], weight[KB], top = -MAXFLOAT, total = 0.0f;
    q += qo + ((size_t)image * (size_t)tq + (size_t)min(i, tq - 1)) * (size_t)ldq + (size_t)head * D;
    k += ko + (size_t)image * (size_t)tk * (size_t)ldk + (size_t)head * D;
    v += vo + (size_t)image * (size_t)tk * (size_t)ldv + (size_t)head * D;
    for (int d = 0; d < D; d++) {
        query[d] = scale * LOADX(q, d);
        sum[d] = 0.0f;
    }
    for (int k0 = 0; k0 < tk; k0 += KB) {
        int kn = min(KB, tk - k0);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = item; j < kn * D; j += WG) {
            keys[j] = LOADX(k, (size_t)(k0 + j / D) * (size_t)ldk + (size_t)(j % D));
            values[j] = LOADX(v, (size_t)(k0 + j / D) * (size_t)ldv + (size_t)(j % D));
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        int seen = causal ? min(kn, i + 1 - k0) : kn;
        float now = top;
        for (int j = 0; j < seen; j++) {
            float s = 0.0f;
            for (int d = 0; d < D; d++) s = fma(query[d], keys[j * D + d], s);
            weight[j] = s;
            now = fmax(now, s);
        }
        float shrink = exp_1(top - now);
        total *= shrink;
        for (int d = 0; d < D; d++) sum[d] *= shrink;
        for (int j = 0; j < seen; j++) {
            float w = exp_1(weight[j] - now);
            total += w;
            for (int d = 0; d < D; d++) sum[d] = fma(w, values[j * D + d], sum[d]);
        }
        top = now;
    }
    if (i >= tq) return;
    y += yo + ((size_t)image * (size_t)tq + (size_t)i) * (size_t)ldy + (size_t)head * D;
    for (int d = 0; d < D; d++) STOREY(sum[d] / total, y, d);
}
