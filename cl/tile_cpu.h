/* SPDX-License-Identifier: MIT */
/* The register tile and the epilogue of a row for the CPU kernels of GEMM and convolution: one work-item computes a cache block of up to RB rows by PB
 * panels of NR columns, MR x NV vectors of 16 at a time, without barriers, so that the tile stays in registers (on PoCL a barrier would spill it).
 *
 *   activations: read in place as broadcasts, one pointer per row of the tile; f16 rows are widened per tile
 *   weights: panels [K][NR], NR = 16 NV; f16 panels are widened per K block of KC, or on the way for blocks of at most MR rows
 *   sums: in order of K, in float; blocking changes neither order nor rounding
 * Tunables: MR, NV, RB (a multiple of MR), PB, KC. */
#include "common.h"

#define NR (16 * NV)

#if WT == F16 || defined(PRIVATE_PANELS)
typedef const float *panel_ptr; /* widened or transformed block */
#else
typedef __global const float *panel_ptr;
#endif

/* Where a tile reads kc values of a row. */
#if XT == F16
typedef const float *row_ptr;
#define WIDE KC /* floats of a row's copy */
INLINE row_ptr row_of(float *wide, __global const half *x, int kc)
{
    int k = 0;
    for (; k + 16 <= kc; k += 16) KEEP16(LOAD16_2(x, k), wide, k);
    for (; k < kc; k++) wide[k] = LOADX(x, k);
    return wide;
}
#else
typedef __global const float *row_ptr;
#define WIDE 1
INLINE row_ptr row_of(float *wide, __global const float *x, int kc) { return x; }
#endif

/* The body of both functions below. */
#define MULTIPLY_TILE(ROWS, LOAD)                                                                                      \
    float16 c[ROWS][NV];                                                                                               \
    row_ptr p[ROWS];                                                                                                   \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++)                                                                   \
    {                                                                                                                  \
        p[i] = a[i];                                                                                                   \
        _Pragma("unroll") for (int j = 0; j < NV; j++) c[i][j] = first ? (float16)(0.0f) : sum[i * NV + j];            \
    }                                                                                                                  \
    for (int k = 0; k < kc; k++, b += NR) {                                                                            \
        float16 w[NV];                                                                                                 \
        _Pragma("unroll") for (int j = 0; j < NV; j++) w[j] = LOAD(b, 16 * j);                                         \
        _Pragma("unroll") for (int i = 0; i < ROWS; i++)                                                               \
        {                                                                                                              \
            float16 x = (float16)(p[i][k]);                                                                            \
            _Pragma("unroll") for (int j = 0; j < NV; j++) c[i][j] = fma(x, w[j], c[i][j]);                            \
        }                                                                                                              \
    }                                                                                                                  \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++)                                                                   \
        _Pragma("unroll") for (int j = 0; j < NV; j++) sum[i * NV + j] = c[i][j]

#define LOAD_PANEL(b, i) vload16(0, (b) + (i))

/* sum[MR][NV] (+)= rows a[MR] (kc values each) times a panel block b [kc][NR]; first: =. */
INLINE void tile(float16 *restrict sum, const row_ptr *a, panel_ptr b, int kc, int first)
{
    MULTIPLY_TILE(MR, LOAD_PANEL);
}

#if WT == F16
#define FEW (MR / 2)

/* The same of FEW rows and a block as it is stored: for blocks of so few rows that widening it would cost as much. */
INLINE void tile_few(float16 *restrict sum, const row_ptr *a, __global const half *b, int kc, int first)
{
    MULTIPLY_TILE(FEW, LOAD16_2);
}

/* Widens kc rows of a panel. */
INLINE void widen(float *restrict to, __global const half *from, int kc)
{
    for (int i = 0; i < 16 * kc * NV; i += 16) KEEP16(LOAD16_2(from, i), to, i);
}
#endif

/* One row of sums -> y, columns from n on: width of them as far as there are columns; with GEGLU as many gates at `gates`. residual: the same row. */
INLINE void store_columns(const float *s, const float *gates, int width, __global YTYPE *y, __global const YTYPE *residual, const epilogue *e,
                          int n)
{
    int count = min(width, e->columns - n), j = 0;
    for (; j + 16 <= count; j += 16) {
        float16 v = vload16(0, s + j);
        v = e->flags & IS_GEGLU ? finish_geglu_16(v, vload16(0, gates + j), e, n + j) : finish_16(v, e, n + j);
        if (e->flags & HAS_RESIDUAL) v += LOADY16(residual, n + j);
        STOREY16(v, y, n + j);
    }
    for (; j + 8 <= count; j += 8) {
        float8 v = vload8(0, s + j);
        v = e->flags & IS_GEGLU ? finish_geglu_8(v, vload8(0, gates + j), e, n + j) : finish_8(v, e, n + j);
        if (e->flags & HAS_RESIDUAL) v += LOADY8(residual, n + j);
        STOREY8(v, y, n + j);
    }
    for (; j < count; j++) {
        float v = e->flags & IS_GEGLU ? finish_geglu_1(s[j], gates[j], e, n + j) : finish_1(s[j], e, n + j);
        if (e->flags & HAS_RESIDUAL) v += LOADY(residual, n + j);
        STOREY(v, y, n + j);
    }
}

/* The same for a row of a panel, s[NR]. */
INLINE void store_row(const float *s, __global YTYPE *y, __global const YTYPE *residual, const epilogue *e, int n)
{
    store_columns(s, s + NR / 2, e->flags & IS_GEGLU ? NR / 2 : NR, y, residual, e, n);
}
