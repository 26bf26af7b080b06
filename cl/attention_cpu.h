/* SPDX-License-Identifier: MIT */
/* What the flash kernels of CPUs share: queries lie along the vectors, in register tiles of NQ; results are sums [tiles][DP][NQ], totals [tiles][NQ]. */
#define LANES (16 * NQ)             /* queries of a tile */
#define DP ((D + RR - 1) / RR * RR) /* channels of a head, to whole register tiles */

typedef struct attention_scalars {
    ulong y, q, k, v; /* where they begin */
    int tq, tk, ldq, ldk, ldv, ldy, causal;
    float scale;
    int mq;
} attention_scalars;

/* 2^x for x <= 0; 2^-126 below -126. */
INLINE float16 weight_of(float16 x) { return two_to_16(LARGER(-126.0f, x), 1.0f); }

/* y (count, D), row stride ldy = sums / total. */
INLINE void store_result(__global YTYPE *y, const float16 *sums, const float16 *total, int count, int ldy)
{
    for (int i = 0; i < count; i++) {
        const float *sum = (const float *)(sums + i / LANES * DP * NQ) + i % LANES;
        float inverse = 1.0f / ((const float *)total)[i];
#pragma clang loop vectorize(disable)
        for (int d = 0; d < D; d++) STOREY(sum[d * LANES] * inverse, y, (size_t)i * (size_t)ldy + (size_t)d);
    }
}
