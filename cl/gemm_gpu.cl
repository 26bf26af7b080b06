/* SPDX-License-Identifier: MIT */
#include "tile_gpu.h"

/* The item's part of the block of K from k0 on, of x and of the panel. x: row 0 of the group's rows, of which there are that many. */
INLINE void fetch(XRAW xraw[XVECS], WRAW wraw[WVECS], __global const XTYPE *x, __global const WTYPE *w, int rows, int k0, int k, int ldx, int whole)
{
#pragma unroll
    for (int v = 0; v < XVECS; v++) {
        int r = x_row(v), at = k0 + x_first(v);
        xraw[v] = (XRAW)(0);
        if (r < rows && at < k) xraw[v] = fetch_x(x + ((uint)(r * ldx) + (uint)at), k - at, whole);
    }
    fetch_panel(wraw, w + (size_t)k0 * BN, k - k0);
}

/* y (M, N) = epilogue(x (M, K) * w^T) on a GPU; operands as in gemm_cpu.cl, panels of BN columns.
 *   norm (images, 2, K): read where NORM is not 0
 *   first: the group in dimension 0 that this piece of the launch begins with
 *   launch: dimension 0 panels within blocks of BM rows; only that dimension has room for more than 65535 groups on every device */
__kernel __attribute__((reqd_work_group_size(GN, GM, 1)))
void gemm_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const WTYPE *w, ulong wo, __global const float *bias,
              ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so, int m, int n, int k, int ldx, int ldy,
              int ldr, int ldrow, int image, int flags, __global const float *norm, ulong no, int first)
{
    __local LTYPE as[DB * BK * LDA] __attribute__((aligned(16))), bs[DB * BK * BN] __attribute__((aligned(16)));
    int panel, block, whole = ((int)xo | ldx | k) % VW == 0;
    XRAW xraw[XVECS];
    WRAW wraw[WVECS];
    float sum[TM][TN];
    tile_of_group(first + (int)get_group_id(0), (n + BN - 1) / BN, (m + BM - 1) / BM, &panel, &block);
    int r0 = block * BM;
    x += xo + (size_t)r0 * (size_t)ldx;
    w += wo + (size_t)panel * (size_t)k * BN;
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sum[i][j] = 0.0f;
    fetch(xraw, wraw, x, w, m - r0, 0, k, ldx, whole);
    for (int k0 = 0, buffer = 0; k0 < k; k0 += BK, buffer ^= DB - 1) {
        __local LTYPE *a = as + buffer * (BK * LDA), *b = bs + buffer * (BK * BN);
        if (DB == 1) barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int v = 0; v < XVECS; v++) {
            int r = r0 + x_row(v);
            store_x(a, v, xraw[v], r < m, norm + no + (size_t)(r / image) * 2 * (size_t)k, k0 + x_first(v), k);
        }
        store_panel(b, wraw);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (k0 + BK < k) fetch(xraw, wraw, x, w, m - r0, k0 + BK, k, ldx, whole);
        multiply(sum, a, b);
    }
    n = GEGLU ? n / 2 : n;
#pragma unroll
    for (int i = 0; i < TM; i++) {
        int r = r0 + sum_row(i);
        if (r < m)
            store_sums(sum[i], y + yo + (size_t)r * (size_t)ldy, residual + so + (size_t)r * (size_t)ldr, bias + bo,
                       row + ro + (size_t)(r / image) * (size_t)ldrow, flags, n, panel);
    }
}
