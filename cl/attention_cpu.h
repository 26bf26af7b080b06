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

/* The first n of 16 elements, zeros behind them; n may be more, or less than none. */
INLINE float16 load_first(__global const XTYPE *p, int n)
{
    if (n >= 16) return LOADX16(p, 0);
    float16 v = 0.0f;
    if (n >= 8) v.lo = LOADX8(p, 0);
    for (int i = max(n, 0) & 8; i < n; i++) ((float *)&v)[i] = LOADX(p, i);
    return v;
}

/* The first n of v; all 16 where n is more. */
INLINE void store_first(float16 v, __global YTYPE *p, int n)
{
    if (n >= 16) {
        STOREY16(v, p, 0);
        return;
    }
    if (n >= 8) STOREY8(v.lo, p, 0);
    for (int i = n & 8; i < n; i++) STOREY(((const float *)&v)[i], p, i);
}

/* r[j][i] = r[i][j], 16 by 16: off the diagonal, the halves of the matrix change places, then the quarters of these, and so on. */
#define EXCHANGE(HALF) \
    _Pragma("unroll") for (int i = 0; i < 16; i++) \
    { \
        if (i & HALF) continue; \
        float16 a = r[i], b = r[i + HALF]; \
        r[i] = __builtin_shufflevector(a, b, FIRST_##HALF); \
        r[i + HALF] = __builtin_shufflevector(a, b, SECOND_##HALF); \
    }
#define FIRST_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define SECOND_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define FIRST_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define SECOND_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define FIRST_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define SECOND_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define FIRST_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define SECOND_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
INLINE void transpose(float16 *r)
{
    EXCHANGE(8)
    EXCHANGE(4)
    EXCHANGE(2)
    EXCHANGE(1)
}

/* y (count, D), row stride ldy = sums / total. */
INLINE void store_result(__global YTYPE *y, const float16 *sums, const float16 *total, int count, int ldy)
{
    for (int i = 0; i < count; i += 16) {
        float16 inverse = 1.0f / total[i / 16];
        const float16 *sum = sums + i / LANES * DP * NQ + i / 16 % NQ;
#pragma unroll
        for (int d = 0; d < D; d += 16) {
            float16 r[16];
#pragma unroll
            for (int c = 0; c < 16; c++) r[c] = d + c < D ? sum[(d + c) * NQ] * inverse : 0.0f;
            transpose(r);
            for (int c = 0; c < min(16, count - i); c++) store_first(r[c], y + (size_t)(i + c) * (size_t)ldy + (size_t)d, D - d);
        }
    }
}
