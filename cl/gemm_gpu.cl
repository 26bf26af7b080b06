/* SPDX-License-Identifier: MIT */
#include "tile_gpu.h"

/* y (M, N) = epilogue(x (M, K) * w^T) on a GPU; operands as in gemm_cpu.cl, panels of BN columns.
 *   launch: dimension 0 panels within blocks of BM rows; only that dimension has room for more than 65535 groups on every device */
__kernel __attribute__((reqd_work_group_size(GN, GM, 1)))
void gemm_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const WTYPE *w, ulong wo, __global const float *bias,
              ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so, int m, int n, int k, int ldx, int ldy,
              int ldr, int ldrow, int image, int flags)
{
    __local float as[BK * (BM + 1)], bs[BK * BN];
    int item = (int)get_local_id(1) * GN + (int)get_local_id(0), panels = (n + BN - 1) / BN;
    int panel = (int)get_group_id(0) % panels, r0 = (int)get_group_id(0) / panels * BM;
    float sum[TM][TN];
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++) sum[i][j] = 0.0f;
    x += xo;
    w += wo + (size_t)panel * (size_t)k * BN;
    for (int k0 = 0; k0 < k; k0 += BK) {
        for (int i = item; i < BM * BK; i += GN * GM) {
            int r = r0 + i / BK, c = k0 + i % BK;
            as[i % BK * (BM + 1) + i / BK] = r < m && c < k ? LOADX(x, (size_t)r * (size_t)ldx + (size_t)c) : 0.0f;
        }
        load_panel(bs, w + (size_t)k0 * BN, k - k0);
        barrier(CLK_LOCAL_MEM_FENCE);
        multiply(sum, as, bs);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < TM; i++) {
        int r = r0 + (int)get_local_id(1) + i * GM;
        if (r < m)
            store_sums(sum[i], y + yo + (size_t)r * (size_t)ldy, residual + so + (size_t)r * (size_t)ldr, bias + bo,
                       row + ro + (size_t)(r / image) * (size_t)ldrow, flags, flags & IS_GEGLU ? n / 2 : n, panel);
    }
}
