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
    float element[16];
    KEEP16(v, element, 0);
    if (n >= 8) STOREY8(v.lo, p, 0);
    for (int i = n & 8; i < n; i++) STOREY(element[i], p, i);
}

/* r[j][i] = r[i][j], 16 by 16: four perfect shuffles of the 256 elements (Stone, 1971), each of which turns the bits of an index (row, column) by one.
 * PLAIN_TRANSPOSE: element by element, for simulators that lose track of shuffled halves. */
INLINE void transpose(float16 *r)
{
#ifdef PLAIN_TRANSPOSE
    float16 s[16];
    for (int i = 0; i < 256; i++) ((float *)s)[i] = ((const float *)r)[i % 16 * 16 + i / 16];
    for (int i = 0; i < 16; i++) r[i] = s[i];
#else
    for (int turn = 0; turn < 4; turn++) {
        float16 s[16];
#pragma unroll
        for (int i = 0; i < 8; i++) {
            s[2 * i] = __builtin_shufflevector(r[i], r[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            s[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
#pragma unroll
        for (int i = 0; i < 16; i++) r[i] = s[i];
    }
#endif
}

/* y (count, D), row stride ldy = sums / total. */
INLINE void store_result(__global YTYPE *y, const float16 *sums, const float16 *total, int count, int ldy)
{
    for (int i = 0; i < count; i += 16) {
        float16 inverse = 1.0f / total[i / 16];
        const float16 *sum = sums + i / LANES * DP * NQ + i / 16 % NQ;
        for (int d = 0; d < D; d += 16) {
            float16 r[16];
#pragma unroll
            for (int c = 0; c < 16; c++) r[c] = d + c < D ? sum[(d + c) * NQ] * inverse : 0.0f;
            transpose(r);
            for (int c = 0; c < min(16, count - i); c++) store_first(r[c], y + (size_t)(i + c) * (size_t)ldy + (size_t)d, D - d);
        }
    }
}
