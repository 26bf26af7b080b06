/* SPDX-License-Identifier: MIT */
#include "tile_gpu.h"

/* Where the item's vector v of a block of x comes from: the input pixel of its row under tap t, -1 outside. at: the rows' positions before the tap. */
INLINE void locate(int pixel[XVECS], const int4 at[XVECS], int t, int h, int w, int uh, int uw)
{
#pragma unroll
    for (int v = 0; v < XVECS; v++) {
        int iy = at[v].y + t / 3, ix = at[v].x + t % 3;
        int inside = iy >= 0 && iy < uh && ix >= 0 && ix < uw;
        if (uh != h) iy = (int)((uint)iy * (uint)h / (uint)uh);
        if (uw != w) ix = (int)((uint)ix * (uint)w / (uint)uw);
        pixel[v] = inside ? (at[v].z * h + iy) * w + ix : -1;
    }
}

INLINE void fetch(XRAW xraw[XVECS], WRAW wraw[WVECS], const int pixel[XVECS], __global const XTYPE *x, __global const WTYPE *wt, int k0, int c,
                  int ldx, int whole)
{
#pragma unroll
    for (int v = 0; v < XVECS; v++) {
        int at = k0 + x_first(v);
        xraw[v] = (XRAW)(0);
        if (pixel[v] >= 0 && at < c) xraw[v] = fetch_x(x + ((size_t)pixel[v] * (size_t)ldx + (size_t)at), c - at, whole);
    }
    fetch_panel(wraw, wt + (size_t)k0 * BN, c - k0);
}

/* 3x3 convolution on a GPU as implicit GEMM; operands as in conv3x3_cpu.cl, panels of BN output channels; sides below 65536.
 *   norm (images, 2, C): read where NORM is not 0
 *   first: the group in dimension 0 that this piece of the launch begins with
 *   launch: as gemm_gpu, rows being output pixels */
__kernel __attribute__((reqd_work_group_size(GN, GM, 1)))
void conv3x3_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const WTYPE *wt, ulong wo,
                 __global const float *bias, ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so,
                 int images, int h, int w, int c, int uh, int uw, int oh, int ow, int stride,
                 int pad, int n, int ldx, int ldy, int ldr, int ldrow, int flags,
                 __global const float *norm, ulong no, int first)
{
    __local LTYPE as[DB * BK * LDA] __attribute__((aligned(16))), bs[DB * BK * BN] __attribute__((aligned(16)));
    int panel, block, m = images * oh * ow, whole = ((int)xo | ldx | c) % VW == 0, pixel[XVECS];
    int4 at[XVECS];
    XRAW xraw[XVECS];
    WRAW wraw[WVECS];
    float sum[TM][TN];
    tile_of_group(first + (int)get_group_id(0), (n + BN - 1) / BN, (m + BM - 1) / BM, &panel, &block);
    int r0 = block * BM;
    x += xo;
    wt += wo + (size_t)panel * 9 * (size_t)c * BN;
#pragma unroll
    for (int v = 0; v < XVECS; v++) {
        int r = r0 + x_row(v);
        at[v] = (int4)(r % ow * stride - pad, r < m ? r / ow % oh * stride - pad : -4, r / (ow * oh), 0);
    }
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sum[i][j] = 0.0f;
    locate(pixel, at, 0, h, w, uh, uw);
    fetch(xraw, wraw, pixel, x, wt, 0, c, ldx, whole);
    for (int t = 0, k0 = 0, buffer = 0; t < 9; buffer ^= DB - 1) {
        __local LTYPE *a = as + buffer * (BK * LDA), *b = bs + buffer * (BK * BN);
        if (DB == 1) barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int v = 0; v < XVECS; v++)
            store_x(a, v, xraw[v], pixel[v] >= 0, norm + no + (size_t)at[v].z * 2 * (size_t)c, k0 + x_first(v), c);
        store_panel(b, wraw);
        barrier(CLK_LOCAL_MEM_FENCE);
        k0 += BK;
        if (k0 >= c) {
            k0 = 0;
            wt += (size_t)c * BN;
            if (++t < 9) locate(pixel, at, t, h, w, uh, uw);
        }
        if (t < 9) fetch(xraw, wraw, pixel, x, wt, k0, c, ldx, whole);
        multiply(sum, a, b);
    }
#pragma unroll
    for (int i = 0; i < TM; i++) {
        int r = r0 + sum_row(i);
        if (r < m)
            store_sums(sum[i], y + yo + (size_t)r * (size_t)ldy, residual + so + (size_t)r * (size_t)ldr, bias + bo,
                       row + ro + (size_t)(r / (ow * oh)) * (size_t)ldrow, flags, n, panel);
    }
}
