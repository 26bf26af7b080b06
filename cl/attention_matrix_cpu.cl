/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "attention_cpu.h"
#include "x86_matrix.h"

/* cl/attention_cpu.cl with products of bf16 and sums of f32, by an x86 CPU's matrix instructions (cl/x86_matrix.h).
 *   operands, launch, D: as there, without a causal mask
 * Scores are sums over pairs of channels, results over pairs of keys: q, k and v are rounded as they are copied, the weights of the softmax where they are
 * paired. Their total is that of the rounded weights. The scale is applied to the scores, which leaves q as it is.
 * With tiles a key is a row of one operand, to whole tiles of 16 pairs of channels, and so is a channel of the values, of pairs of keys; queries and weights
 * are the other operand as they lie. What fills a tile up is zero.
 *   tune: NQ vectors of 16 queries by RR keys or channels of a register tile (AMX: 2 by 16), GQ tiles of a work-item, KB keys of a block (a multiple of RR
 *   and of 2; AMX: of 32) */
#if TILES
#define PAIRS ((D + 31) / 32 * 16) /* of channels */
#define KEYS 32                    /* that are multiplied at a time */
#define VALUE(pair, channel) values[(channel) * (KB / 2) + (pair)]
#else
#define PAIRS ((D + 1) / 2)
#define KEYS RR
#define VALUE(pair, channel) values[(pair) * DP + (channel)]
#endif

/* A pair in bf16: low and high half. Ties away from zero; NaN is one still if the low bits of its payload are zero. */
#define PAIR(low, high, T) ((JOIN(as_, T)(low) + 0x8000u) >> 16 | ((JOIN(as_, T)(high) + 0x8000u) & 0xffff0000u))

/* The same of two weights, cut off: their sum and that of the weighted values lose the same share. */
#define CUT_PAIR(low, high) (as_uint16(low) >> 16 | (as_uint16(high) & 0xffff0000u))

/* 2^x for x <= 0, 2^-126 below -126, with a relative error of 7.5e-5: bf16 keeps eight bits. */
INLINE float16 rough_weight_of(float16 x)
{
    x = LARGER(-126.0f, x);
    float16 t = x + 12582912.0f, r = x - (t - 12582912.0f);
    float16 p = fma((float16)(5.517167e-2f), r, (float16)(2.4261112e-1f));
    p = fma(p, r, (float16)(6.9326099e-1f));
    p = fma(p, r, (float16)(0.99992807f));
    return as_float16(as_int16(p) + (as_int16(t) << 23));
}

#if TILES
/* c[16 rows, or 32 if `both`][2] = a times b [pairs][2], added to c if `add`: rows of a are `step` pairs apart. */
MATRIX void multiply_block(amx *t, float16 *c, const uint *a, size_t step, const uint16 *b, int pairs, int both, int add)
{
    if (add) {
        AMX_LOAD(t, 0, c, 128);
        AMX_LOAD(t, 1, c + 1, 128);
        if (both) {
            AMX_LOAD(t, 2, c + 32, 128);
            AMX_LOAD(t, 3, c + 33, 128);
        }
    } else {
        AMX_ZERO(t, 0);
        AMX_ZERO(t, 1);
        AMX_ZERO(t, 2);
        AMX_ZERO(t, 3);
    }
    for (int k = 0; k < pairs; k += 16, a += 16, b += 32) {
        AMX_LOAD(t, 6, b, 128);
        AMX_LOAD(t, 4, a, 4 * step);
        AMX_DOT(t, 0, 4, 6);
        AMX_LOAD(t, 7, b + 1, 128);
        AMX_DOT(t, 1, 4, 7);
        if (!both) continue;
        AMX_LOAD(t, 5, a + 16 * step, 4 * step);
        AMX_DOT(t, 2, 5, 6);
        AMX_DOT(t, 3, 5, 7);
    }
    AMX_STORE(t, 0, c, 128);
    AMX_STORE(t, 1, c + 1, 128);
    if (!both) return;
    AMX_STORE(t, 2, c + 32, 128);
    AMX_STORE(t, 3, c + 33, 128);
}

/* scores[kn][2] = keys times queries q[PAIRS][2]; most: the largest of them, and of what it was. */
MATRIX void score_keys(amx *tiles, float16 *scores, float16 *most, const uint *keys, const uint16 *q, int kn)
{
    for (int t = 0; t < kn; t += 32) multiply_block(tiles, scores + t * 2, keys + t * PAIRS, PAIRS, q, PAIRS, 1, 0);
    for (int t = 0; t < kn; t++)
        for (int j = 0; j < 2; j++) most[j] = LARGER(most[j], scores[t * 2 + j]);
}

/* sums[DP][2] = sums * shrink + values [DP][KB / 2 pairs of keys] times weights [pairs][2], which are zero up to whole tiles. */
MATRIX void sum_values(amx *tiles, float16 *sums, const float16 *shrink, const uint *values, const uint16 *weights, int pairs)
{
    if (any(isnotequal(shrink[0], (float16)(1.0f))) || any(isnotequal(shrink[1], (float16)(1.0f))))
        for (int d = 0; d < DP; d++)
            for (int j = 0; j < 2; j++) sums[d * 2 + j] *= shrink[j];
    for (int d = 0; d < DP; d += 32) multiply_block(tiles, sums + d * 2, values + d * (KB / 2), KB / 2, weights, pairs, d + 16 < DP, 1);
}
#else
/* scores[RR][NQ] = RR keys times NQ vectors of queries q[PAIRS][NQ]; most: the largest of the first `left`, and of what it was. */
MATRIX void score_tile(float16 *scores, float16 *most, const uint *keys, const uint16 *q, int left)
{
    float16 c[RR][NQ];
#pragma unroll
    for (int i = 0; i < RR; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) c[i][j] = 0.0f;
    for (int d = 0; d < PAIRS; d++)
#pragma unroll
        for (int i = 0; i < RR; i++)
#pragma unroll
            for (int j = 0; j < NQ; j++) c[i][j] = DOT(c[i][j], q[d * NQ + j], keys[i * PAIRS + d]);
#pragma unroll
    for (int i = 0; i < RR; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) {
            if (i < left) most[j] = LARGER(most[j], c[i][j]);
            scores[i * NQ + j] = c[i][j];
        }
}

/* sums[RR][NQ] = sums * shrink + RR channels of pairs of values [pairs][DP] times weights [pairs][NQ]. */
MATRIX void sum_tile(float16 *sums, const float16 *shrink, const uint *values, const uint16 *weights, int pairs)
{
    float16 c[RR][NQ];
#pragma unroll
    for (int i = 0; i < RR; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) c[i][j] = sums[i * NQ + j] * shrink[j];
    for (int t = 0; t < pairs; t++)
#pragma unroll
        for (int i = 0; i < RR; i++)
#pragma unroll
            for (int j = 0; j < NQ; j++) c[i][j] = DOT(c[i][j], weights[t * NQ + j], values[t * DP + i]);
#pragma unroll
    for (int i = 0; i < RR; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) sums[i * NQ + j] = c[i][j];
}

INLINE void score_keys(amx *tiles, float16 *scores, float16 *most, const uint *keys, const uint16 *q, int kn)
{
    for (int t = 0; t < kn; t += RR) score_tile(scores + t * NQ, most, keys + t * PAIRS, q, kn - t);
}

INLINE void sum_values(amx *tiles, float16 *sums, const float16 *shrink, const uint *values, const uint16 *weights, int pairs)
{
    for (int d = 0; d < DP; d += RR) sum_tile(sums + d * NQ, shrink, values + d, weights, pairs);
}
#endif

/* total[NQ] = total * shrink + all weights. */
MATRIX void sum_weights(float16 *total, const float16 *shrink, const uint16 *weights, int pairs)
{
#pragma unroll
    for (int j = 0; j < NQ; j++) {
        float16 sum = total[j] * shrink[j];
        for (int t = 0; t < pairs; t++) sum = DOT(sum, weights[t * NQ + j], 0x3f803f80u);
        total[j] = sum;
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_matrix_cpu(__global YTYPE *y, __global const XTYPE *q, __global const XTYPE *k, __global const XTYPE *v, attention_scalars s)
{
    int tq = s.tq, tk = s.tk, ldq = s.ldq, ldk = s.ldk, ldv = s.ldv, ldy = s.ldy, mq = s.mq;
    uint16 queries[GQ * PAIRS * NQ], weights[KB / 2 * NQ];
    float16 sums[GQ * DP * NQ], top[GQ * NQ], total[GQ * NQ], scores[KB * NQ];
    uint keys[KB * PAIRS], values[KB / 2 * DP];
    int q0 = (int)get_group_id(0) * mq, count = min(mq, tq - q0), head = (int)get_group_id(1), image = (int)get_group_id(2);
    int groups = (count + LANES - 1) / LANES;
    float to_two = s.scale * LOG2_E;
    amx tiles;
    q += s.q + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldq + (size_t)head * D;
    k += s.k + (size_t)image * (size_t)tk * (size_t)ldk + (size_t)head * D;
    v += s.v + (size_t)image * (size_t)tk * (size_t)ldv + (size_t)head * D;
    y += s.y + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldy + (size_t)head * D;
    for (int i = 0; i < groups * PAIRS * NQ; i++) queries[i] = 0;
    for (int i = 0; i < KB * PAIRS; i++) keys[i] = 0;
    for (int i = 0; i < groups * LANES; i++) {
        __global const XTYPE *from = q + (size_t)min(i, count - 1) * (size_t)ldq;
        uint *to = (uint *)(queries + i / LANES * PAIRS * NQ) + i % LANES;
#pragma clang loop vectorize(disable)
        for (int d = 0; d < D / 2; d++) to[d * LANES] = PAIR(LOADX(from, 2 * d), LOADX(from, 2 * d + 1), uint);
        if (D % 2) to[D / 2 * LANES] = PAIR(LOADX(from, D - 1), 0.0f, uint);
    }
    for (int i = 0; i < groups * DP * NQ; i++) sums[i] = 0.0f;
    for (int i = 0; i < groups * NQ; i++) {
        top[i] = -MAXFLOAT;
        total[i] = 0.0f;
    }
    for (int i = 0; i < KB / 2 * DP; i++) values[i] = 0;
#if TILES
    tiles_on(&tiles);
#endif
    for (int k0 = 0; k0 < tk; k0 += KB) {
        int kn = min(KB, tk - k0), pairs = (kn + 1) / 2;
        for (int j = 0; j < kn; j++) {
            __global const XTYPE *key = k + (size_t)(k0 + j) * (size_t)ldk;
            for (int d = 0; d < D / 2; d++) keys[j * PAIRS + d] = PAIR(LOADX(key, 2 * d), LOADX(key, 2 * d + 1), uint);
            if (D % 2) keys[j * PAIRS + D / 2] = PAIR(LOADX(key, D - 1), 0.0f, uint);
        }
        for (int i = kn * PAIRS; i < (kn + KEYS - 1) / KEYS * KEYS * PAIRS; i++) keys[i] = 0;
        for (int j = 0; j < pairs; j++) {
            __global const XTYPE *low = v + (size_t)(k0 + 2 * j) * (size_t)ldv, *high = 2 * j + 1 < kn ? low + ldv : low; /* of weight 2^-126 */
            for (int d = 0; d < D; d++) VALUE(j, d) = PAIR(LOADX(low, d), LOADX(high, d), uint);
        }
        for (int g = 0; g < groups; g++) {
            const uint16 *qg = queries + g * PAIRS * NQ;
            float16 now[NQ], shrink[NQ], offset[NQ];
#pragma unroll
            for (int j = 0; j < NQ; j++) now[j] = top[g * NQ + j];
            score_keys(&tiles, scores, now, keys, qg, kn);
#pragma unroll
            for (int j = 0; j < NQ; j++) {
                shrink[j] = weight_of((top[g * NQ + j] - now[j]) * to_two);
                top[g * NQ + j] = now[j];
                offset[j] = now[j] * to_two;
            }
            if (kn % 2)
#pragma unroll
                for (int j = 0; j < NQ; j++) scores[kn * NQ + j] = -MAXFLOAT;
            for (int t = 0; t < pairs; t++)
#pragma unroll
                for (int j = 0; j < NQ; j++) {
                    float16 low = fma(scores[2 * t * NQ + j], (float16)to_two, -offset[j]),
                            high = fma(scores[(2 * t + 1) * NQ + j], (float16)to_two, -offset[j]);
                    weights[t * NQ + j] = CUT_PAIR(rough_weight_of(low), rough_weight_of(high));
                }
            for (int t = pairs; TILES && t % 16; t++)
#pragma unroll
                for (int j = 0; j < NQ; j++) weights[t * NQ + j] = 0;
            sum_weights(total + g * NQ, shrink, weights, pairs);
            sum_values(&tiles, sums + g * DP * NQ, shrink, values, weights, pairs);
        }
    }
#if TILES
    tiles_off(&tiles);
#endif
    store_result(y, sums, total, count, ldy);
}
