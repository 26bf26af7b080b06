/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Engines: host/ops/gpu_matrix.h has the same numbers. */
#define ENGINE_MMA 1
#define ENGINE_MMA_K8 2
#define ENGINE_WMMA 3
#define ENGINE_MFMA 4
#define ENGINE_DPAS8 5
#define ENGINE_DPAS16 6
#define ENGINE_PLAIN_MMA 7 /* from here on: the layouts above in plain C */
#define ENGINE_PLAIN_WMMA 8
#define ENGINE_PLAIN_MFMA 9
#define ENGINE_PLAIN_DPAS8 10
#define ENGINE_PLAIN_DPAS16 11

/* Local memory, in pairs of halves that are neighbours along K: as [BM][LDA], bs [BK/2][LDB]. */
#define LDA (BK / 2 + PADA)
#define LDB (BN + PADB)
#define SUBGROUPS_M (BM / (FM * FRAGMENT_M))
#define SUBGROUPS_N (BN / (FN * FRAGMENT_N))
#define SUBGROUPS (SUBGROUPS_M * SUBGROUPS_N)
#define GN (SUBGROUPS * LANES)
#define GM 1

#if ENGINE == ENGINE_MMA || ENGINE == ENGINE_MMA_K8 || ENGINE == ENGINE_PLAIN_MMA
#include "fragment_mma.h"
#elif ENGINE == ENGINE_WMMA || ENGINE == ENGINE_PLAIN_WMMA
#include "fragment_wmma.h"
#elif ENGINE == ENGINE_MFMA || ENGINE == ENGINE_PLAIN_MFMA
#include "fragment_mfma.h"
#else
#include "fragment_dpas.h"
#endif
#if ENGINE >= ENGINE_PLAIN_MMA
#include "fragment_plain.h"
#define UNROLL _Pragma("nounroll")
#else
#define UNROLL _Pragma("unroll")
#endif
#include "tile_load.h"
#ifndef LANE_OF /* sub-groups are consecutive items */
#define LANE_OF(item) ((item) % LANES)
#define SUBGROUP_OF(item) ((item) / LANES)
#define SUBGROUP_ATTRIBUTE
#endif

/* Vectors of two rows of the panel that an item loads. */
#define WPAIRS (BN * BK / (2 * VW * ITEMS))
/* First column of fragment j of a sub-group in the block: one half of a sub-group's fragments has columns in each half of the panel, so that with GEGLU a
 * value and its gate are the same item's. */
#define COLUMN_OF(sn, j) (((sn) * (FN / 2) + (j) % (FN / 2)) * FRAGMENT_N + (j) / (FN / 2) * (BN / 2))
#define PAIRS (GEGLU + 1)

INLINE uint pair_1(float low, float high)
{
    ushort2 bits;
    vstore_half2_rte((float2)(low, high), 0, (half *)&bits);
    return (uint)bits.x | (uint)bits.y << 16;
}

#define WORDS JOIN(WORDS_, VW)
#define WORDS_2 uint
#define WORDS_4 uint2
#define WORDS_8 uint4

/* The item's part of the block of K from k0 on, of x and of the panel. x: row 0 of the group's rows, of which there are that many. */
INLINE void fetch(XRAW xraw[XVECS], WRAW wraw[2 * WPAIRS], __global const XTYPE *x, __global const WTYPE *w, int rows, int k0, int k, int ldx, int whole)
{
#pragma unroll
    for (int v = 0; v < XVECS; v++) {
        int r = x_row(v), at = k0 + x_first(v);
        xraw[v] = (XRAW)(0);
        if (r < rows && at < k) xraw[v] = fetch_x(x + ((uint)(r * ldx) + (uint)at), k - at, whole);
    }
#pragma unroll
    for (int v = 0; v < 2 * WPAIRS; v++) {
        int i = (item_of() + v / 2 * ITEMS) * VW, at = k0 + i / BN * 2 + v % 2;
        wraw[v] = at < k ? *(__global const WRAW *)(w + ((size_t)at * BN + (size_t)(i % BN))) : (WRAW)(0);
    }
}

INLINE void store_a(__local uint *as, int v, XRAW raw, int exists, __global const float *norm, int k, int kn)
{
    __local uint *to = as + x_row(v) * LDA + x_first(v) / 2;
#if NORM || XT != F16
    FLOATS value = values_of(raw, exists, norm, k, kn);
    uint word[VW / 2] __attribute__((aligned(16)));
#pragma unroll
    for (int j = 0; j < VW / 2; j++) word[j] = pair_1(((float *)&value)[2 * j], ((float *)&value)[2 * j + 1]);
    *(__local WORDS *)to = *(WORDS *)word;
#else
    *(__local XRAW *)to = raw;
#endif
}

INLINE void store_b(__local uint *bs, const WRAW raw[2 * WPAIRS])
{
#pragma unroll
    for (int v = 0; v < WPAIRS; v++) {
        int i = (item_of() + v * ITEMS) * VW;
        uint word[VW] __attribute__((aligned(16)));
#pragma unroll
        for (int j = 0; j < VW; j++) word[j] = (uint)((const ushort *)&raw[2 * v])[j] | (uint)((const ushort *)&raw[2 * v + 1])[j] << 16;
#pragma unroll
        for (int j = 0; j < VW; j += 2) *(__local uint2 *)(bs + i / BN * LDB + i % BN + j) = *(const uint2 *)(word + j);
    }
}

/* sum += block of a * block of b */
INLINE void multiply(float sum[FM][FN][SUMS], __local const uint *as, __local const uint *bs, int sm, int sn, int lane, __local ushort *scratch)
{
    UNROLL
    for (int k = 0; k < BK / 2; k += FRAGMENT_K / 2) {
        uint a[FM][A_WORDS], b[FN][B_WORDS];
        UNROLL
        for (int i = 0; i < FM; i++) load_a(a[i], as + (sm * FM + i) * FRAGMENT_M * LDA + k, lane);
        UNROLL
        for (int j = 0; j < FN; j++) load_b(b[j], bs + k * LDB + COLUMN_OF(sn, j), lane);
#if ENGINE >= ENGINE_PLAIN_MMA
        multiply_fragments(sum, a, b, lane, scratch);
#else
        UNROLL
        for (int i = 0; i < FM; i++)
            UNROLL
            for (int j = 0; j < FN; j++) multiply_add(sum[i][j], a[i], b[j]);
#endif
    }
}

/* y (M, N) = epilogue(x (M, K) * w^T) by a GPU's matrix instructions, -DENGINE: products of f16, sums of f32. Operands as in gemm_gpu.cl, weights f16 in
 * panels of BN columns; x that is f32, or normalised, is rounded to f16.
 *   A fragment_*.h has the size of a fragment, what an item holds of it, and how it is loaded and multiplied. A sub-group has FM x FN of them.
 *   launch: as gemm_gpu, groups of sub-groups of LANES consecutive items */
__kernel SUBGROUP_ATTRIBUTE __attribute__((reqd_work_group_size(GN, 1, 1)))
void gemm_matrix_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const WTYPE *w, ulong wo, __global const float *bias,
                     ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so, int m, int n, int k, int ldx, int ldy,
                     int ldr, int ldrow, int image, int flags, __global const float *norm, ulong no, int first)
{
    __local uint as[DB * BM * LDA] __attribute__((aligned(16))), bs[DB * (BK / 2) * LDB] __attribute__((aligned(16)));
#if ENGINE >= ENGINE_PLAIN_MMA
    __local ushort scratch[SUBGROUPS * PLAIN_HALVES];
    __local ushort *mine = scratch + SUBGROUP_OF(item_of()) * PLAIN_HALVES;
#else
    __local ushort *mine = 0;
#endif
    int panel, block, whole = ((int)xo | ldx | k) % VW == 0, lane = LANE_OF(item_of());
    int sm = SUBGROUP_OF(item_of()) % SUBGROUPS_M, sn = SUBGROUP_OF(item_of()) / SUBGROUPS_M;
    XRAW xraw[XVECS];
    WRAW wraw[2 * WPAIRS];
    float sum[FM][FN][SUMS];
    tile_of_group(first + (int)get_group_id(0), (n + BN - 1) / BN, (m + BM - 1) / BM, &panel, &block);
    int r0 = block * BM;
    x += xo + (size_t)r0 * (size_t)ldx;
    w += wo + (size_t)panel * (size_t)k * BN;
    UNROLL
    for (int i = 0; i < FM; i++)
        UNROLL
        for (int j = 0; j < FN; j++)
            UNROLL
            for (int s = 0; s < SUMS; s++) sum[i][j][s] = 0.0f;
    fetch(xraw, wraw, x, w, m - r0, 0, k, ldx, whole);
    for (int k0 = 0, buffer = 0; k0 < k; k0 += BK, buffer ^= DB - 1) {
        __local uint *a = as + buffer * (BM * LDA), *b = bs + buffer * (BK / 2 * LDB);
        if (DB == 1) barrier(CLK_LOCAL_MEM_FENCE);
        UNROLL
        for (int v = 0; v < XVECS; v++) {
            int r = r0 + x_row(v);
            store_a(a, v, xraw[v], r < m, norm + no + (size_t)(r / image) * 2 * (size_t)k, k0 + x_first(v), k);
        }
        store_b(b, wraw);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (k0 + BK < k) fetch(xraw, wraw, x, w, m - r0, k0 + BK, k, ldx, whole);
        multiply(sum, a, b, sm, sn, lane, mine);
    }
    n = GEGLU ? n / 2 : n;
    UNROLL
    for (int i = 0; i < FM; i++)
        UNROLL
        for (int s = 0; s < SUMS; s += RUN) {
            int r = r0 + (sm * FM + i) * FRAGMENT_M + SUM_ROW(lane, s);
            if (r >= m) continue;
            __global YTYPE *to = y + yo + (size_t)r * (size_t)ldy;
            __global const YTYPE *add = residual + so + (size_t)r * (size_t)ldr;
            __global const float *of_image = row + ro + (size_t)(r / image) * (size_t)ldrow;
            UNROLL
            for (int j = 0; j < FN / PAIRS; j++) {
                int column = panel * (BN / PAIRS) + COLUMN_OF(sn, j) + SUM_COLUMN(lane, s);
                float v[RUN];
                UNROLL
                for (int e = 0; e < RUN; e++)
                    v[e] = finish_sum(sum[i][j][s + e], sum[i][(j + FN / 2) % FN][s + e], add, bias + bo, of_image, flags, n, min(column + e, n - 1));
                UNROLL
                for (int e = 0; e < RUN; e++)
                    if (column + e < n) STOREY(v[e], to, column + e);
            }
        }
}
