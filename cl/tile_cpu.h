/* SPDX-License-Identifier: MIT */
/* The register tile and the epilogue of the CPU kernels for GEMM and convolution: one work-item computes a cache block of up to RB rows by PB panels
 * of NR columns, MR x NV vectors of 16 at a time, without barriers, so that the tile stays in registers (on PoCL a barrier would spill it).
 *
 *   activations: read in place as broadcasts, one pointer per row of the tile
 *   weights: panels [K][NR], NR = 16 NV; f16 panels are widened per K block of KC
 *   sums: in order of K, in float; blocking changes neither order nor rounding
 * Tunables: MR, NV, RB (a multiple of MR), PB, KC. */
#include "common.h"

#define NR (16 * NV)

typedef struct epilogue {
    __global const float *bias, *row; /* row: that of the image at hand */
    int flags, columns;               /* columns of the output: N, or N / 2 with GEGLU */
} epilogue;

#if WT == F16 || defined(PRIVATE_PANELS)
typedef const float *panel_ptr; /* widened or transformed block */
#else
typedef __global const float *panel_ptr;
#endif

/* sum[MR][NV] (+)= rows a[MR] (kc values each) times a panel block [kc][NR]. */
INLINE void tile(float16 *restrict sum, __global const XTYPE *const *a, panel_ptr b, int kc, int first)
{
    float16 c[MR][NV];
    __global const XTYPE *p[MR];
#pragma unroll
    for (int i = 0; i < MR; i++) {
        p[i] = a[i];
#pragma unroll
        for (int j = 0; j < NV; j++) c[i][j] = first ? (float16)(0.0f) : sum[i * NV + j];
    }
    for (int k = 0; k < kc; k++, b += NR) {
        float16 w[NV];
#pragma unroll
        for (int j = 0; j < NV; j++) w[j] = vload16(j, b);
#pragma unroll
        for (int i = 0; i < MR; i++) {
            float16 x = (float16)(LOADX(p[i], k));
#pragma unroll
            for (int j = 0; j < NV; j++) c[i][j] = fma(x, w[j], c[i][j]);
        }
    }
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NV; j++) sum[i * NV + j] = c[i][j];
}

#if WT == F16
/* Widens kc rows of a panel. */
INLINE void widen(float *restrict to, __global const half *from, int kc)
{
    for (int k = 0; k < kc * NV; k++) vstore16(vload_half16(k, from), k, to);
}
#endif

INLINE float8 finish8(float8 v, const epilogue *e, int n)
{
    if (e->flags & HAS_BIAS) v += vload8(0, e->bias + n);
    if (e->flags & HAS_ROW) v += vload8(0, e->row + n);
    return activate_8(v, e->flags >> ACT_SHIFT & ACT_MASK);
}

INLINE float finish1(float v, const epilogue *e, int n)
{
    if (e->flags & HAS_BIAS) v += e->bias[n];
    if (e->flags & HAS_ROW) v += e->row[n];
    return activate_1(v, e->flags >> ACT_SHIFT & ACT_MASK);
}

/* One row of a panel: s[NR] sums -> y, columns from n on. residual is the same row and column of the residual. */
INLINE void store_row(const float *s, __global YTYPE *y, __global const YTYPE *residual, const epilogue *e, int n)
{
    int count = e->flags & IS_GEGLU ? NR / 2 : NR, left = e->columns - n;
    if (left < count) count = left;
    int j = 0;
    for (; j + 8 <= count; j += 8) {
        float8 v = vload8(0, s + j);
        if (e->flags & IS_GEGLU) {
            float8 g = vload8(0, s + NR / 2 + j);
            if (e->flags & HAS_BIAS) {
                v += vload8(0, e->bias + n + j);
                g += vload8(0, e->bias + e->columns + n + j);
            }
            v *= gelu_8(g);
        } else {
            v = finish8(v, e, n + j);
        }
        if (e->flags & HAS_RESIDUAL) v += LOADY8(residual, n + j);
        STOREY8(v, y, n + j);
    }
    for (; j < count; j++) {
        float v = s[j];
        if (e->flags & IS_GEGLU) {
            float g = s[NR / 2 + j];
            if (e->flags & HAS_BIAS) {
                v += e->bias[n + j];
                g += e->bias[e->columns + n + j];
            }
            v *= gelu_1(g);
        } else {
            v = finish1(v, e, n + j);
        }
        if (e->flags & HAS_RESIDUAL) v += LOADY(residual, n + j);
        STOREY(v, y, n + j);
    }
}
