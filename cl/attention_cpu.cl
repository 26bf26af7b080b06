/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "attention_cpu.h"

/* Attention with an online softmax (Milakov, Gimelshein 2018; FlashAttention), for CPUs: y = softmax(scale * q k^T) v per head.
 *   q, y (n, tq, heads * D)  k, v (n, tk, heads * D), row strides ldq ldk ldv ldy; head h is columns [h D, h D + D)
 *   causal: query i sees keys 0 .. i
 * Queries lie along the vectors: a register tile is RR keys (for the scores) or RR channels (for the sums) by NQ vectors of 16 queries, keys and values
 * are broadcast, and maximum, exponential and total need no reduction across a vector. One work-item takes up to GQ times as many queries of one head and
 * walks over blocks of KB keys, which are copied once into private memory.
 *   launch: dimension 0 blocks of mq (a multiple of 16 NQ) queries, 1 heads, 2 images.  KB: a multiple of RR.  -DD: head size */

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_cpu(__global YTYPE *y, __global const XTYPE *q, __global const XTYPE *k, __global const XTYPE *v, attention_scalars s)
{
    int tq = s.tq, tk = s.tk, ldq = s.ldq, ldk = s.ldk, ldv = s.ldv, ldy = s.ldy, mq = s.mq;
    float16 queries[GQ * D * NQ], sums[GQ * DP * NQ], top[GQ * NQ], total[GQ * NQ], scores[KB * NQ];
    float keys[KB * D], values[KB * DP];
    int q0 = (int)get_group_id(0) * mq, count = min(mq, tq - q0), head = (int)get_group_id(1), image = (int)get_group_id(2);
    int groups = (count + LANES - 1) / LANES;
    const float16 lane = (float16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    q += s.q + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldq + (size_t)head * D;
    k += s.k + (size_t)image * (size_t)tk * (size_t)ldk + (size_t)head * D;
    v += s.v + (size_t)image * (size_t)tk * (size_t)ldv + (size_t)head * D;
    y += s.y + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldy + (size_t)head * D;
    for (int i = 0; i < groups * LANES; i++) {
        __global const XTYPE *from = q + (size_t)min(i, count - 1) * (size_t)ldq;
        float *to = (float *)(queries + i / LANES * D * NQ) + i % LANES;
#pragma clang loop vectorize(disable)
        for (int d = 0; d < D; d++) to[d * LANES] = s.scale * LOG2_E * LOADX(from, d);
    }
    for (int i = 0; i < groups * DP * NQ; i++) sums[i] = 0.0f;
    for (int i = 0; i < groups * NQ; i++) {
        top[i] = -MAXFLOAT;
        total[i] = 0.0f;
    }
    for (int i = 0; i < KB * DP; i++) values[i] = 0.0f;
    int seen = s.causal ? min(tk, q0 + count) : tk;
    for (int k0 = 0; k0 < seen; k0 += KB) {
        int kn = min(KB, seen - k0);
        for (int j = 0; j < kn; j++) {
            __global const XTYPE *key = k + (size_t)(k0 + j) * (size_t)ldk, *value = v + (size_t)(k0 + j) * (size_t)ldv;
            for (int d = 0; d < D; d++) {
                keys[j * D + d] = LOADX(key, d);
                values[j * DP + d] = LOADX(value, d);
            }
        }
        for (int j = kn; j % RR; j++)
            for (int d = 0; d < D; d++) keys[j * D + d] = 0.0f;
        for (int g = 0; g < groups; g++) {
            const float16 *qg = queries + g * D * NQ;
            float16 *sum = sums + g * DP * NQ, now[NQ], shrink[NQ], added[NQ];
#pragma unroll
            for (int j = 0; j < NQ; j++) now[j] = top[g * NQ + j];
            for (int t = 0; t < kn; t += RR) {
                float16 c[RR][NQ];
#pragma unroll
                for (int i = 0; i < RR; i++)
#pragma unroll
                    for (int j = 0; j < NQ; j++) c[i][j] = 0.0f;
                for (int d = 0; d < D; d++)
#pragma unroll
                    for (int i = 0; i < RR; i++)
#pragma unroll
                        for (int j = 0; j < NQ; j++) c[i][j] = fma((float16)(keys[(t + i) * D + d]), qg[d * NQ + j], c[i][j]);
#pragma unroll
                for (int i = 0; i < RR; i++)
#pragma unroll
                    for (int j = 0; j < NQ; j++) {
                        if (s.causal) {
                            float16 query = lane + (float)(q0 + g * LANES + 16 * j);
                            c[i][j] = select(c[i][j], (float16)(-MAXFLOAT), query < (float)(k0 + t + i));
                        }
                        if (t + i < kn) now[j] = fmax(now[j], c[i][j]);
                        scores[(t + i) * NQ + j] = c[i][j];
                    }
            }
#pragma unroll
            for (int j = 0; j < NQ; j++) {
                shrink[j] = weight_of(top[g * NQ + j] - now[j]);
                top[g * NQ + j] = now[j];
                added[j] = 0.0f;
            }
            for (int t = 0; t < kn; t++)
#pragma unroll
                for (int j = 0; j < NQ; j++) {
                    float16 w = weight_of(scores[t * NQ + j] - now[j]);
                    added[j] += w;
                    scores[t * NQ + j] = w;
                }
#pragma unroll
            for (int j = 0; j < NQ; j++) total[g * NQ + j] = fma(total[g * NQ + j], shrink[j], added[j]);
            for (int d = 0; d < DP; d += RR) {
                float16 c[RR][NQ];
#pragma unroll
                for (int i = 0; i < RR; i++)
#pragma unroll
                    for (int j = 0; j < NQ; j++) c[i][j] = sum[(d + i) * NQ + j] * shrink[j];
                for (int t = 0; t < kn; t++)
#pragma unroll
                    for (int i = 0; i < RR; i++)
#pragma unroll
                        for (int j = 0; j < NQ; j++) c[i][j] = fma((float16)(values[t * DP + d + i]), scores[t * NQ + j], c[i][j]);
#pragma unroll
                for (int i = 0; i < RR; i++)
#pragma unroll
                    for (int j = 0; j < NQ; j++) sum[(d + i) * NQ + j] = c[i][j];
            }
        }
    }
    store_result(y, sums, total, count, ldy);
}
