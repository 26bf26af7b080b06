/* SPDX-License-Identifier: MIT */
#include "tile_gpu.h"

/* 3x3 convolution on a GPU as implicit GEMM; operands as in conv3x3_cpu.cl, panels of BN output channels.
 *   launch: as gemm_gpu, rows being output pixels */
__kernel __attribute__((reqd_work_group_size(GN, GM, 1)))
void conv3x3_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const WTYPE *wt, ulong wo,
                 __global const float *bias, ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so,
                 int images, int h, int w, int c, int uh, int uw, int oh, int ow, int stride, int pad, int n, int ldx, int ldy, int ldr,
                 int ldrow, int flags)
{
    __local float as[BK * (BM + 1)], bs[BK * BN];
    int item = (int)get_local_id(1) * GN + (int)get_local_id(0), panels = (n + BN - 1) / BN;
    int panel = (int)get_group_id(0) % panels, r0 = (int)get_group_id(0) / panels * BM;
    int m = images * oh * ow;
    float sum[TM][TN];
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++) sum[i][j] = 0.0f;
    x += xo;
    wt += wo + (size_t)panel * 9 * (size_t)c * BN;
    for (int t = 0; t < 9; t++)
        for (int k0 = 0; k0 < c; k0 += BK) {
            for (int i = item; i < BM * BK; i += GN * GM) {
                int r = r0 + i / BK, k = k0 + i % BK;
                int iy = r / ow % oh * stride + t / 3 - pad, ix = r % ow * stride + t % 3 - pad;
                int inside = r < m && k < c && iy >= 0 && iy < uh && ix >= 0 && ix < uw;
                if (uh != h) iy = (int)((long)iy * h / uh);
                if (uw != w) ix = (int)((long)ix * w / uw);
                size_t pixel = inside ? ((size_t)(r / (ow * oh)) * (size_t)h + (size_t)iy) * (size_t)w + (size_t)ix : 0;
                as[i % BK * (BM + 1) + i / BK] = inside ? LOADX(x, pixel * (size_t)ldx + (size_t)k) : 0.0f;
            }
            load_panel(bs, wt + ((size_t)t * (size_t)c + (size_t)k0) * BN, c - k0);
            barrier(CLK_LOCAL_MEM_FENCE);
            multiply(sum, as, bs);
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    for (int i = 0; i < TM; i++) {
        int r = r0 + (int)get_local_id(1) + i * GM;
        if (r < m)
            store_sums(sum[i], y + yo + (size_t)r * (size_t)ldy, residual + so + (size_t)r * (size_t)ldr, bias + bo,
                       row + ro + (size_t)(r / (ow * oh)) * (size_t)ldrow, flags, n, panel);
    }
}
