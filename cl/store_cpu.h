/* SPDX-License-Identifier: MIT */
/* How a work-item of GEMM or of direct convolution on a CPU stores its cache block. */
#include "tile_cpu.h"

/* Rows of a panel, s[rows][NV], as store_row does them: all its columns from n on are there, e->row is that of all, and there is no GEGLU. */
INLINE void store_panel(const float16 *s, int rows, __global YTYPE *y, size_t ldy, __global const YTYPE *residual, size_t ldr, const epilogue *e,
                        int n)
{
    float16 bias[NV], row[NV];
#pragma unroll
    for (int j = 0; j < NV; j++) {
        bias[j] = e->flags & HAS_BIAS ? vload16(j, e->bias + n) : 0.0f;
        row[j] = e->flags & HAS_ROW ? vload16(j, e->row + n) : 0.0f;
    }
    for (int r = 0; r < rows; r++, s += NV, y += ldy, residual += ldr) {
#pragma unroll
        for (int j = 0; j < NV; j++) {
            float16 v = s[j];
            if (e->flags & HAS_BIAS) v += bias[j];
            if (e->flags & HAS_ROW) v += row[j];
            v = activate_16(v, e->flags >> ACT_SHIFT & ACT_MASK);
            if (e->flags & HAS_RESIDUAL) v += LOADY16(residual, n + 16 * j);
            STOREY16(v, y, n + 16 * j);
        }
    }
}

/* The sums of a block of rows r0 .. r1 - 1 and panels p0 .. p1 - 1, [PB][RB][NV] -> y (row stride ldy).
 *   row: one of ldrow values per `image` rows    residual: row stride ldr */
INLINE void store_block(const float16 *sums, int r0, int r1, int p0, int p1, __global YTYPE *y, int ldy, __global const YTYPE *residual, int ldr,
                        __global const float *row, int ldrow, int image, epilogue *e)
{
    int width = e->flags & IS_GEGLU ? NR / 2 : NR, one_row = !(e->flags & HAS_ROW) || (r1 - 1) / image == r0 / image;
    y += (size_t)r0 * (size_t)ldy;
    residual += (size_t)r0 * (size_t)ldr;
    for (int p = p0; p < p1; p++) {
        const float16 *s = sums + (p - p0) * RB * NV;
        int n = p * width;
        e->row = row + (size_t)(r0 / image) * (size_t)ldrow;
        if (one_row && !(e->flags & IS_GEGLU) && n + NR <= e->columns) {
            store_panel(s, r1 - r0, y, (size_t)ldy, residual, (size_t)ldr, e, n);
            continue;
        }
        for (int r = 0; r < r1 - r0; r++) {
            e->row = row + (size_t)((r0 + r) / image) * (size_t)ldrow;
            store_row((const float *)(s + r * NV), y + (size_t)r * (size_t)ldy, residual + (size_t)r * (size_t)ldr, e, n);
        }
    }
}
