/* SPDX-License-Identifier: MIT */
/* The local-memory tile of the GPU kernels for GEMM and convolution: a work-group computes BM rows by one panel of BN columns, BK products at a time; an item
 * holds TM x TN sums. The next block of x and of the panel is fetched into registers while the one in local memory is multiplied.
 *   local memory: as [BK][BM + PAD], bs [BK][BN], DB times each: with two there is one barrier a block
 *   An item's columns come in runs of LB = LV (at most TN/2) that are GN LB apart, its rows in runs of LV that are GM LV apart: neighbours read and write
 *   neighbours, and with GEGLU (panels of BN/2 values, then their gates) a value and its gate are the same item's.
 *   VW: values of a global load. Panels are aligned for it; x is read so where its offset, stride and K are multiples of VW.
 *   SW: groups walk down SW blocks of rows before they go on to the next panel, so that both operands are met again in the cache.
 *   MATH 1: products and up to KCHUNK of their sums in half; local memory holds halves.
 * Not tunables: NORM (0; 1: x is normalised when it goes to local memory; 2: and its SiLU taken), ACT, GEGLU: the epilogue's. */
#include "common.h"

#define GN (BN / TN)
#define GM (BM / TM)
#include "tile_load.h"

#define LDA (BM + PAD)
#define LB (LV < TN / 2 ? LV : TN / 2)
#define WVECS (BN * BK / (VW * ITEMS))

#if MATH
#ifdef EMULATE_F16
#define LTYPE float
#define LOCAL_A JOIN(VECTOR_, LV)(float)
#define NUMBER2 float2
#define LOCAL_OF(v) half_1(v)
#define FMA2(a, b, c) half_2(fma((float2)(a), b, c))
#else
#include "half_math.h"
#define LTYPE half
#define LOCAL_A JOIN(VECTOR_, LV)(half)
#define NUMBER2 half2
#define LOCAL_OF(v) ((half)(v))
#define FMA2(a, b, c) ((half2)(a) * (b) + (c))
#endif
#else
#define LTYPE float
#define LOCAL_A JOIN(VECTOR_, LV)(float)
#define LOCAL_OF(v) (v)
#endif

#ifdef EMULATE_F16
INLINE float half_1(float v)
{
    ushort bits;
    vstore_half_rte(v, 0, (half *)&bits);
    return vload_half(0, (const half *)&bits);
}
INLINE float2 half_2(float2 v) { return (float2)(half_1(v.x), half_1(v.y)); }
#endif

/* A vector to local memory. k of the kn values of K; norm: the image's scale and shift. */
INLINE void store_x(__local LTYPE *as, int v, XRAW raw, int exists, __global const float *norm, int k, int kn)
{
    int row = x_row(v), first = x_first(v);
    FLOATS value = values_of(raw, exists, norm, k, kn);
#pragma unroll
    for (int j = 0; j < VW; j++) as[(first + j) * LDA + row] = LOCAL_OF(((float *)&value)[j]);
}

/* The item's part of rows [0, kn) of a panel, BK at most. */
INLINE void fetch_panel(WRAW raw[WVECS], __global const WTYPE *panel, int kn)
{
#pragma unroll
    for (int v = 0; v < WVECS; v++) {
        int i = (item_of() + v * ITEMS) * VW;
        raw[v] = i / BN < kn ? *(__global const WRAW *)(panel + i) : (WRAW)(0);
    }
}

INLINE void store_panel(__local LTYPE *bs, const WRAW raw[WVECS])
{
#pragma unroll
    for (int v = 0; v < WVECS; v++) {
        int i = (item_of() + v * ITEMS) * VW;
        FLOATS value = JOIN(JOIN(JOIN(WIDEN_, WT), _), VW)(&raw[v]);
#pragma unroll
        for (int j = 0; j < VW; j++) bs[i + j] = LOCAL_OF(((float *)&value)[j]);
    }
}

#if MATH
/* sum += a tile * b tile */
INLINE void multiply(float sum[TM][TN], __local const LTYPE *as, __local const LTYPE *bs)
{
    int tn = (int)get_local_id(0) * LB, tm = (int)get_local_id(1) * LV;
    for (int k0 = 0; k0 < BK; k0 += KCHUNK) {
        NUMBER2 part[TM][TN / 2];
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
            for (int j = 0; j < TN / 2; j++) part[i][j] = (NUMBER2)(0);
        for (int k1 = k0; k1 < k0 + KCHUNK; k1 += KU)
#pragma unroll
        for (int k = k1; k < k1 + KU; k++) {
            LTYPE a[TM] __attribute__((aligned(16)));
            NUMBER2 b[TN / 2];
#pragma unroll
            for (int i = 0; i < TM; i += LV) *(LOCAL_A *)(a + i) = *(__local const LOCAL_A *)(as + k * LDA + tm + i * GM);
#pragma unroll
            for (int j = 0; j < TN / 2; j++) {
                __local const LTYPE *from = bs + k * BN + tn;
#if LV == 1 || TN == 2
                b[j] = (NUMBER2)(from[2 * j * GN], from[(2 * j + 1) * GN]);
#else
                b[j] = *(__local const NUMBER2 *)(from + 2 * j / LB * (GN * LB) + 2 * j % LB);
#endif
            }
#pragma unroll
            for (int i = 0; i < TM; i++)
#pragma unroll
                for (int j = 0; j < TN / 2; j++) part[i][j] = FMA2(a[i], b[j], part[i][j]);
        }
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
            for (int j = 0; j < TN / 2; j++) {
                sum[i][2 * j] += (float)part[i][j].x;
                sum[i][2 * j + 1] += (float)part[i][j].y;
            }
    }
}
#else
#if LV == 1 || TN == 2
#define LOCAL_B float
#elif LV == 2 || TN == 4
#define LOCAL_B float2
#else
#define LOCAL_B float4
#endif
/* sum += a tile * b tile */
INLINE void multiply(float sum[TM][TN], __local const float *as, __local const float *bs)
{
    int tn = (int)get_local_id(0) * LB, tm = (int)get_local_id(1) * LV;
    for (int k0 = 0; k0 < BK; k0 += KU)
#pragma unroll
        for (int k = k0; k < k0 + KU; k++) {
            float a[TM] __attribute__((aligned(16))), b[TN] __attribute__((aligned(16)));
#pragma unroll
            for (int i = 0; i < TM; i += LV) *(LOCAL_A *)(a + i) = *(__local const LOCAL_A *)(as + k * LDA + tm + i * GM);
#pragma unroll
            for (int j = 0; j < TN; j += LB) *(LOCAL_B *)(b + j) = *(__local const LOCAL_B *)(bs + k * BN + tn + j * GN);
#pragma unroll
            for (int i = 0; i < TM; i++)
#pragma unroll
                for (int j = 0; j < TN; j++) sum[i][j] = fma(a[i], b[j], sum[i][j]);
        }
}
#endif

/* Row i of the item's sums: its place in the block. */
INLINE int sum_row(int i) { return i / LV * (GM * LV) + (int)get_local_id(1) * LV + i % LV; }

#define STORE_1_1(v, p) (*(p) = *(v))
#define STORE_1_2(v, p) vstore2(*(const float2 *)(v), 0, p)
#define STORE_1_4(v, p) vstore4(*(const float4 *)(v), 0, p)
#define STORE_2_1(v, p) vstore_half_rte(*(v), 0, p)
#define STORE_2_2(v, p) vstore_half2_rte(*(const float2 *)(v), 0, p)
#define STORE_2_4(v, p) vstore_half4_rte(*(const float4 *)(v), 0, p)
#define PAIRS (GEGLU + 1)
#if LV == 1 || TN == 2
#define STORE_RUN(v, p) JOIN(JOIN(STORE_, YT), _1)(v, p)
#elif LV == 2 || TN == 4
#define STORE_RUN(v, p) JOIN(JOIN(STORE_, YT), _2)(v, p)
#else
#define STORE_RUN(v, p) JOIN(JOIN(STORE_, YT), _4)(v, p)
#endif

/* One row of the item's sums -> y. n: columns of the output, panel: which panel, row: the image's row vector. */
INLINE void store_sums(const float *sum, __global YTYPE *y, __global const YTYPE *residual, __global const float *bias,
                       __global const float *row, int flags, int n, int panel)
{
#pragma unroll
    for (int j = 0; j < TN / PAIRS; j += LB) {
        int column = panel * (BN / PAIRS) + j * GN + (int)get_local_id(0) * LB;
        float v[LB] __attribute__((aligned(16)));
#pragma unroll
        for (int e = 0; e < LB; e++) {
            int c = min(column + e, n - 1);
            v[e] = finish_sum(sum[j + e], GEGLU ? sum[j + e + TN / 2] : 0.0f, residual, bias, row, flags, n, c);
        }
        if (column + LB <= n) STORE_RUN(v, y + column);
        else
            for (int e = 0; e < LB; e++)
                if (column + e < n) STOREY(v[e], y, column + e);
    }
}
