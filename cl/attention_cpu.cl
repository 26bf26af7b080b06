/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Attention with an online softmax (Milakov, Gimelshein 2018; FlashAttention), for CPUs: y = softmax(scale * q k^T) v per head.
 *   q, y (n, tq, heads * D)  k, v (n, tk, heads * D), row strides ldq ldk ldv ldy; head h is columns [h D, h D + D)
 *   causal: query i sees keys 0 .. i
 * One work-item takes MQ queries of one head and walks over blocks of KB = 16 NK keys: the block's keys are transposed and its values copied once into
 * private memory (padded to whole vectors), then QR queries at a time are scored, weighted and summed in registers.
 *   launch: dimension 0 blocks of mq (<= MQ, a multiple of QR) queries, 1 heads, 2 images.  tune: MQ, QR, NK.  -DD: head size */
#define KB (16 * NK)
#define ND ((D + 15) / 16)

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_cpu(__global YTYPE *y, ulong yo, __global const XTYPE *q, ulong qo, __global const XTYPE *k, ulong ko,
                   __global const XTYPE *v, ulong vo, int tq, int tk, int ldq, int ldk, int ldv, int ldy, int causal, float scale, int mq)
{
    float queries[MQ * D], weights[QR * KB], top[MQ], total[MQ];
    float16 keys[D * NK], values[KB * ND], sums[MQ * ND];
    int q0 = (int)get_group_id(0) * mq, count = min(mq, tq - q0), head = (int)get_group_id(1), image = (int)get_group_id(2);
    q += qo + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldq + (size_t)head * D;
    k += ko + (size_t)image * (size_t)tk * (size_t)ldk + (size_t)head * D;
    v += vo + (size_t)image * (size_t)tk * (size_t)ldv + (size_t)head * D;
    y += yo + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldy + (size_t)head * D;
    for (int i = 0; i < (count + QR - 1) / QR * QR; i++) {
        for (int d = 0; d < D; d++) queries[i * D + d] = scale * LOADX(q, (size_t)min(i, count - 1) * (size_t)ldq + (size_t)d);
        for (int j = 0; j < ND; j++) sums[i * ND + j] = 0.0f;
        top[i] = -MAXFLOAT;
        total[i] = 0.0f;
    }
    int seen = causal ? min(tk, q0 + count) : tk;
    for (int k0 = 0; k0 < seen; k0 += KB) {
        int kn = min(KB, tk - k0);
        for (int j = 0; j < KB; j++) {
            float *key = (float *)keys + j, *value = (float *)(values + j * ND);
            if (j < kn) {
                __global const XTYPE *kj = k + (size_t)(k0 + j) * (size_t)ldk, *vj = v + (size_t)(k0 + j) * (size_t)ldv;
                for (int d = 0; d < D; d++) {
                    key[d * KB] = LOADX(kj, d);
                    value[d] = LOADX(vj, d);
                }
                for (int d = D; d < 16 * ND; d++) value[d] = 0.0f;
            } else {
                for (int d = 0; d < D; d++) key[d * KB] = 0.0f;
                for (int d = 0; d < 16 * ND; d++) value[d] = 0.0f;
            }
        }
        for (int i0 = 0; i0 < count; i0 += QR) {
            float16 s[QR][NK];
#pragma unroll
            for (int i = 0; i < QR; i++)
#pragma unroll
                for (int j = 0; j < NK; j++) s[i][j] = 0.0f;
            for (int d = 0; d < D; d++)
#pragma unroll
                for (int i = 0; i < QR; i++) {
                    float16 x = (float16)(queries[(i0 + i) * D + d]);
#pragma unroll
                    for (int j = 0; j < NK; j++) s[i][j] = fma(x, keys[d * NK + j], s[i][j]);
                }
            const float16 lane = (float16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#pragma unroll
            for (int i = 0; i < QR; i++) {
                float limit = (float)(causal ? min(kn, q0 + i0 + i + 1 - k0) : kn);
                float16 m = -MAXFLOAT, l = 0.0f;
#pragma unroll
                for (int j = 0; j < NK; j++) {
                    s[i][j] = select(s[i][j], (float16)(-MAXFLOAT), lane + 16.0f * j >= limit);
                    m = fmax(m, s[i][j]);
                }
                float8 m8 = fmax(m.lo, m.hi);
                float4 m4 = fmax(m8.lo, m8.hi);
                float2 m2 = fmax(m4.lo, m4.hi);
                float before = top[i0 + i], now = fmax(before, fmax(m2.x, m2.y)), shrink = exp_1(before - now);
#pragma unroll
                for (int j = 0; j < NK; j++) {
                    float16 w = select(exp_16(s[i][j] - now), (float16)(0.0f), lane + 16.0f * j >= limit);
                    l += w;
                    vstore16(w, j, weights + i * KB);
                }
                float8 l8 = l.lo + l.hi;
                float4 l4 = l8.lo + l8.hi;
                float2 l2 = l4.lo + l4.hi;
                total[i0 + i] = total[i0 + i] * shrink + l2.x + l2.y;
                top[i0 + i] = now;
#pragma unroll
                for (int j = 0; j < ND; j++) sums[(i0 + i) * ND + j] *= shrink;
            }
            /* Two output vectors of QR queries at a time stay in registers. */
            for (int j0 = 0; j0 < ND; j0 += 2) {
                int pair = j0 + 1 < ND;
                float16 a[QR], b[QR];
#pragma unroll
                for (int i = 0; i < QR; i++) {
                    a[i] = sums[(i0 + i) * ND + j0];
                    b[i] = sums[(i0 + i) * ND + j0 + pair];
                }
                for (int t = 0; t < kn; t++) {
                    float16 va = values[t * ND + j0], vb = values[t * ND + j0 + pair];
#pragma unroll
                    for (int i = 0; i < QR; i++) {
                        float16 w = (float16)(weights[i * KB + t]);
                        a[i] = fma(w, va, a[i]);
                        b[i] = fma(w, vb, b[i]);
                    }
                }
#pragma unroll
                for (int i = 0; i < QR; i++) {
                    sums[(i0 + i) * ND + j0] = a[i];
                    if (pair) sums[(i0 + i) * ND + j0 + 1] = b[i];
                }
            }
        }
    }
    for (int i = 0; i < count; i++) {
        const float *sum = (const float *)(sums + i * ND);
        float inverse = 1.0f / total[i];
        for (int d = 0; d < D; d++) STOREY(sum[d] * inverse, y, (size_t)i * (size_t)ldy + (size_t)d);
    }
}
