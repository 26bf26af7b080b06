/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "attention_cpu.h"
#include "x86_matrix.h"

/* cl/attention_cpu.cl with products of bf16 and sums of f32, by an x86 CPU's matrix instructions (cl/x86_matrix.h).
 *   operands, launch, D: as there, without a causal mask
 * Scores are sums over pairs of channels, results over pairs of keys: q (times the scale), k and v are rounded as they are copied. The weights of the softmax
 * are made in bf16, as bits (weights_of), while the next products run; their total is that of the rounded weights.
 * A softmax does not depend on what is subtracted from all scores of a query. So this is no running maximum but a base, at first zero, that moves only where
 * a block's weights sum to more than 2^64, the first block's also where to less than 2^-64: scores need not be stored, nor sums be scaled. It moves by a
 * query's own scores alone, and weights have the same bits on either path. Scores 2^23 octaves apart and more may give NaN.
 * With tiles a key is a row of one operand, to whole tiles of 16 pairs of channels, and so is a channel of the values, of pairs of keys; queries and weights
 * are the other operand as they lie. What fills a tile up is zero.
 *   tune: NQ vectors of 16 queries by RR keys or channels of a register tile (AMX: 2 by 16), GQ tiles of a work-item, KB keys of a block (a multiple of RR,
 *   which is even; AMX: of 32) */
#if TILES
#define PAIRS ((D + 31) / 32 * 16) /* of channels */
#define KEYS 32                    /* that are multiplied at a time */
#else
#define PAIRS ((D + 1) / 2)
#define KEYS RR
#endif

typedef __attribute__((ext_vector_type(32))) ushort words; /* bf16, or fixed point */
typedef __attribute__((ext_vector_type(32))) uint wide_words;
typedef __attribute__((__vector_size__(64))) short shorts; /* as the builtins have them */
#define WORDS(v) __builtin_astype(v, words)
#define PAIRS_OF(v) __builtin_astype(v, uint16)

/* bf16 of two vectors of 16: one behind the other. */
#if ENGINE == ENGINE_DOT || ENGINE == ENGINE_AMX
#define ROUND(first, second) WORDS(__builtin_ia32_cvtne2ps2bf16_512(second, first))
#else
#define ROUND(first, second) round_words(first, second)
INLINE words round_words(float16 first, float16 second)
{
    words v;
    v.lo = to_bf16_16(first);
    v.hi = to_bf16_16(second);
    return v;
}
#endif

/* Scores are counted in 1/256 octaves: bits of a weight are found in 16-bit fixed point, a pair of them in a lane of 32 bits. */
#define OCTAVE 256.0f
#define BELOW 33023.0f /* the distance of a weight of one */
#define RANGE 0x1p64f  /* of a block's total of weights, up and down: those of thousands of blocks, times values, are normal numbers too */

/* Distances of two vectors of 16 as words, low and high half: to the nearest, limited to 0 ... 65535; what is 2^31 and more, or NaN, is 0. */
#if ENGINE == ENGINE_DOT || ENGINE == ENGINE_AMX
#define TO_INT(v) __builtin_ia32_cvtps2dq512_mask(v, (int16)(0), (ushort)0xffff, 4)
#define JOIN_DISTANCES(low, high) interleave(WORDS(__builtin_ia32_packusdw512(TO_INT(low), TO_INT(high))))
#define HIGH_PRODUCT(a, b) WORDS(__builtin_ia32_pmulhuw512(__builtin_astype(a, shorts), __builtin_astype(b, shorts)))
#else
#define HIGH_PRODUCT(a, b) high_product(a, b)
#define TO_INT(v) select(convert_int16_rte(v), (int16)(0), !isless(v, (float16)(0x1p31f)))
#define CLAMP_INT(v) as_uint16(clamp(TO_INT(v), 0, 65535))
#define JOIN_DISTANCES(low, high) WORDS(CLAMP_INT(low) | CLAMP_INT(high) << 16)
#endif

INLINE words interleave(words v)
{
    return __builtin_shufflevector(v, v, 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15, 16, 20, 17, 21, 18, 22, 19, 23, 24, 28, 25, 29, 26, 30, 27, 31);
}

INLINE words high_product(words a, words b)
{
    return __builtin_convertvector(__builtin_convertvector(a, wide_words) * __builtin_convertvector(b, wide_words) >> 16, words);
}

/* bf16 2^(129 - (d + 1) / 256), not finite where d is less than 256, to 0.2 % (rms): 2^f as 1 + f - f (1 - f) (78 + 16 f) / 256. */
INLINE MATRIX_TARGET words weights_of(words d)
{
    words rest = d << (words)(8), f = ~rest, bend = (f >> (words)(12)) + (words)(78);
    return (d + HIGH_PRODUCT(HIGH_PRODUCT(f, rest), bend)) >> (words)(1) ^ (words)(0x7fff);
}

/* weights[kn / 2][NQ] of scores[kn][NQ]. */
MATRIX void weigh_scores(uint16 *weights, const float16 *base, const float16 *scores, int kn)
{
    for (int t = 0; t < kn; t += 2)
#pragma unroll
        for (int j = 0; j < NQ; j++) {
            float16 low = base[j] - scores[t * NQ + j], high = base[j] - scores[(t + 1) * NQ + j];
            words d = JOIN_DISTANCES(SMALLER(65535.0f, low), SMALLER(65535.0f, high));
            weights[t / 2 * NQ + j] = PAIRS_OF(weights_of(d));
        }
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

/* scores[kn][2] = keys times queries q[PAIRS][2]. */
MATRIX void score_keys(amx *tiles, float16 *scores, const uint *keys, const uint16 *q, int kn)
{
    for (int t = 0; t < kn; t += 32) multiply_block(tiles, scores + t * 2, keys + t * PAIRS, PAIRS, q, PAIRS, 1, 0);
}

/* weights[kn / 2][2] of keys. */
INLINE void weigh_keys(amx *tiles, uint16 *weights, float16 *scores, const float16 *base, const uint *keys, const uint16 *q, int kn)
{
    score_keys(tiles, scores, keys, q, kn);
    weigh_scores(weights, base, scores, kn);
}

/* sums[DP][2] += values [DP][KB / 2 pairs of keys] times weights [pairs][2], which are zero up to whole tiles. */
MATRIX void sum_values(amx *tiles, float16 *sums, const uint *values, const uint16 *weights, int pairs)
{
    for (int d = 0; d < DP; d += 32) multiply_block(tiles, sums + d * 2, values + d * (KB / 2), KB / 2, weights, pairs, d + 16 < DP, 1);
}
#else
/* c[RR][NQ] = RR keys times NQ vectors of queries q[PAIRS][NQ]. */
INLINE MATRIX_TARGET void score_tile(float16 (*c)[NQ], const uint *keys, const uint16 *q)
{
#pragma unroll
    for (int i = 0; i < RR; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) c[i][j] = 0.0f;
    for (int d = 0; d < PAIRS; d++)
#pragma unroll
        for (int i = 0; i < RR; i++)
#pragma unroll
            for (int j = 0; j < NQ; j++) c[i][j] = DOT(c[i][j], q[d * NQ + j], keys[i * PAIRS + d]);
}

/* scores[kn][NQ] = keys times queries q[PAIRS][NQ]. */
MATRIX void score_keys(amx *tiles, float16 *scores, const uint *keys, const uint16 *q, int kn)
{
    for (int t = 0; t < kn; t += RR) score_tile((float16(*)[NQ])(scores + t * NQ), keys + t * PAIRS, q);
}

/* weights[kn / 2][NQ] of keys, whose scores stay in registers. */
MATRIX void weigh_keys(amx *tiles, uint16 *weights, float16 *scores, const float16 *base, const uint *keys, const uint16 *q, int kn)
{
    for (int t = 0; t < kn; t += RR) {
        float16 c[RR][NQ];
        score_tile(c, keys + t * PAIRS, q);
#pragma unroll
        for (int i = 0; i < RR; i += 2)
#pragma unroll
            for (int j = 0; j < NQ; j++) {
                words d = JOIN_DISTANCES(base[j] - c[i][j], base[j] - c[i + 1][j]);
                weights[(t + i) / 2 * NQ + j] = PAIRS_OF(weights_of(d));
            }
    }
}

/* sums[RR][NQ] += RR channels of pairs of values [pairs][DP] times weights [pairs][NQ]. */
MATRIX void sum_tile(float16 *sums, const uint *values, const uint16 *weights, int pairs)
{
    float16 c[RR][NQ];
#pragma unroll
    for (int i = 0; i < RR; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) c[i][j] = sums[i * NQ + j];
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

INLINE void sum_values(amx *tiles, float16 *sums, const uint *values, const uint16 *weights, int pairs)
{
    for (int d = 0; d < DP; d += RR) sum_tile(sums + d * NQ, values + d, weights, pairs);
}
#endif

/* sum[NQ] of the weights of kn keys. What fills up a pair, or tiles of pairs, becomes zero. */
MATRIX void sum_weights(float16 *sum, uint16 *weights, int kn)
{
    float16 c[4][NQ];
    int t = 0, pairs = (kn + 1) / 2;
    if (kn % 2)
#pragma unroll
        for (int j = 0; j < NQ; j++) weights[kn / 2 * NQ + j] &= 0xffff;
#if TILES
    for (int i = pairs; i % 16; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) weights[i * NQ + j] = 0;
#endif
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < NQ; j++) c[i][j] = 0.0f;
    for (; t + 4 <= pairs; t += 4)
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < NQ; j++) c[i][j] = DOT(c[i][j], weights[(t + i) * NQ + j], 0x3f803f80u);
    for (; t < pairs; t++)
#pragma unroll
        for (int j = 0; j < NQ; j++) c[0][j] = DOT(c[0][j], weights[t * NQ + j], 0x3f803f80u);
#pragma unroll
    for (int j = 0; j < NQ; j++) sum[j] = c[0][j] + c[1][j] + (c[2][j] + c[3][j]);
}

/* Which of a block's sums of weights are in range? The first block's may not be too small either. NaN is out of range. */
INLINE int16 in_range(float16 sum, int first)
{
    return isless(sum, (float16)(RANGE)) & (isgreater(sum, (float16)(1.0f / RANGE)) | (first - 1));
}

INLINE int all_in_range(const float16 *sum, int first)
{
    int16 in = -1;
#pragma unroll
    for (int j = 0; j < NQ; j++) in &= in_range(sum[j], first);
    return all(in);
}

/* Where a block's sum of weights is out of range, base moves to where the largest of its scores weighs one, after the first block only upwards, and so does
 * what was summed before. */
MATRIX void move_base(float16 *base, float16 *total, float16 *sums, const float16 *sum, const float16 *scores, int kn, int first)
{
    for (int j = 0; j < NQ; j++) {
        int16 stay = in_range(sum[j], first);
        if (all(stay)) continue;
        float16 most = first ? (float16)(-MAXFLOAT) : base[j] - BELOW;
        for (int t = 0; t < kn; t++) most = LARGER(most, scores[t * NQ + j]);
        float16 shrink = first ? 1.0f : select(weight_of((base[j] - BELOW - most) / OCTAVE), (float16)(1.0f), stay);
        base[j] = select(most + BELOW, base[j], stay);
        total[j] *= shrink;
        for (int d = 0; d < DP; d++) sums[d * NQ + j] *= shrink;
    }
}

/* queries[PAIRS][NQ] of 16 rows, of which those from `count` on are the last one, times `scale`. */
MATRIX void pack_queries(uint16 *to, __global const XTYPE *q, size_t ld, int count, float scale)
{
#pragma unroll
    for (int d = 0; d < D; d += 32) {
        float16 r[16];
#pragma unroll
        for (int i = 0; i < 16; i++) {
            __global const XTYPE *row = q + (size_t)min(i, count - 1) * ld + d;
            r[i] = __builtin_astype(ROUND(scale * load_first(row, D - d), scale * load_first(row + 16, D - d - 16)), float16);
        }
        transpose(r);
#pragma unroll
        for (int i = 0; i < 16; i++)
            if (d / 2 + i < PAIRS) to[(d / 2 + i) * NQ] = as_uint16(r[i]);
    }
}

/* keys[n][PAIRS], of which those from `count` on are the last one. What is stored behind a key's end the next key overwrites. */
MATRIX void pack_keys(uint *keys, __global const XTYPE *k, size_t ld, int count, int n)
{
    for (int j = 0; j < n; j++) {
        __global const XTYPE *row = k + (size_t)min(j, count - 1) * ld;
#pragma unroll
        for (int d = 0; d < D; d += 32)
            vstore16(PAIRS_OF(ROUND(load_first(row + d, D - d), load_first(row + d + 16, D - d - 16))), 0, keys + j * PAIRS + d / 2);
    }
}

/* The first n of 16 channels of keys j and j + 1, as pairs; keys from `count` on are the last one. */
INLINE MATRIX_TARGET uint16 value_pair(__global const XTYPE *v, size_t ld, int j, int count, int n)
{
    words w = ROUND(load_first(v + (size_t)min(j, count - 1) * ld, n), load_first(v + (size_t)min(j + 1, count - 1) * ld, n));
    return PAIRS_OF(__builtin_shufflevector(w, w, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                            14, 30, 15, 31));
}

/* Pairs of values [pairs][DP], with TILES [DP][KB / 2]. Of an odd number of keys the last one is a pair. */
MATRIX void pack_values(uint *values, __global const XTYPE *v, size_t ld, int count)
{
#if TILES
    for (int j = 0; j < count; j += 32)
#pragma unroll
        for (int d = 0; d < D; d += 16) {
            float16 r[16];
            for (int i = 0; i < 16; i++) r[i] = as_float16(value_pair(v + d, ld, j + 2 * i, count, D - d));
            transpose(r);
            for (int i = 0; i < 16; i++) vstore16(as_uint16(r[i]), 0, values + (d + i) * (KB / 2) + j / 2);
        }
#else
    for (int j = 0; j < count; j += 2)
#pragma unroll
        for (int d = 0; d < D; d += 16) vstore16(value_pair(v + d, ld, j, count, D - d), 0, values + j / 2 * DP + d);
#endif
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_matrix_cpu(__global YTYPE *y, __global const XTYPE *q, __global const XTYPE *k, __global const XTYPE *v, attention_scalars s)
{
    int tq = s.tq, tk = s.tk, ldq = s.ldq, ldk = s.ldk, ldv = s.ldv, ldy = s.ldy, mq = s.mq;
    uint16 queries[GQ * PAIRS * NQ], weights[KB / 2 * NQ];
    float16 sums[GQ * DP * NQ], base[GQ * NQ], total[GQ * NQ], scores[KB * NQ];
    uint keys[KB * PAIRS + 16], values[KB / 2 * DP + 16];
    int q0 = (int)get_group_id(0) * mq, count = min(mq, tq - q0), head = (int)get_group_id(1), image = (int)get_group_id(2);
    int groups = (count + LANES - 1) / LANES;
    float to_octaves = s.scale * (LOG2_E * OCTAVE);
    amx tiles;
    q += s.q + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldq + (size_t)head * D;
    k += s.k + (size_t)image * (size_t)tk * (size_t)ldk + (size_t)head * D;
    v += s.v + (size_t)image * (size_t)tk * (size_t)ldv + (size_t)head * D;
    y += s.y + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldy + (size_t)head * D;
    for (int i = 0; i < groups * NQ; i++)
        pack_queries(queries + i / NQ * PAIRS * NQ + i % NQ, q + (size_t)min(16 * i, count - 1) * (size_t)ldq, (size_t)ldq, max(1, count - 16 * i), to_octaves);
    for (int i = 0; i < groups * DP * NQ; i++) sums[i] = 0.0f;
    for (int i = 0; i < groups * NQ; i++) {
        base[i] = BELOW;
        total[i] = 0.0f;
    }
#if TILES
    tiles_on(&tiles);
#endif
    for (int k0 = 0; k0 < tk; k0 += KB) {
        int kn = min(KB, tk - k0);
        pack_keys(keys, k + (size_t)k0 * (size_t)ldk, (size_t)ldk, kn, (kn + KEYS - 1) / KEYS * KEYS);
        pack_values(values, v + (size_t)k0 * (size_t)ldv, (size_t)ldv, kn);
        for (int g = 0; g < groups; g++) {
            const uint16 *qg = queries + g * PAIRS * NQ;
            float16 *sum = sums + g * DP * NQ, part[NQ];
            weigh_keys(&tiles, weights, scores, base + g * NQ, keys, qg, kn);
            sum_weights(part, weights, kn);
            if (!all_in_range(part, !k0)) {
                score_keys(&tiles, scores, keys, qg, kn);
                move_base(base + g * NQ, total + g * NQ, sum, part, scores, kn, !k0);
                weigh_scores(weights, base + g * NQ, scores, kn);
                sum_weights(part, weights, kn);
            }
#pragma unroll
            for (int j = 0; j < NQ; j++) total[g * NQ + j] += part[j];
            sum_values(&tiles, sum, values, weights, (kn + 1) / 2);
        }
    }
#if TILES
    tiles_off(&tiles);
#endif
    store_result(y, sums, total, count, ldy);
}
