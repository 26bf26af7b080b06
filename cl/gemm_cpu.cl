/* SPDX-License-Identifier: MIT */
#include "store_cpu.h"

/* y (M, N) = epilogue(x (M, K) * w^T): linear layers and 1x1 convolutions on a CPU.
 *   x, y, residual: row strides ldx, ldy, ldr    w: panels [ceil(N/NR)][K][NR]    bias: N (2N with GEGLU)    row: one of ldrow values per `image` rows
 *   launch: one work-item per block of rb rows (<= RB, a multiple of MR) and pb panels (<= PB); dimension 0 panels, 1 rows;
 *     the other way round with ROWS_FIRST */
typedef struct gemm_scalars {
    ulong y, x, w, bias, row, residual; /* where they begin */
    int m, n, k, ldx, ldy, ldr, ldrow, image, flags, rb, pb;
} gemm_scalars;

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_cpu(__global YTYPE *y, __global const XTYPE *x, __global const WTYPE *w, __global const float *bias, __global const float *row,
              __global const YTYPE *residual, gemm_scalars s)
{
    int m = s.m, n = s.n, k = s.k, ldx = s.ldx, flags = s.flags, rb = s.rb, pb = s.pb;
    float16 sums[PB * RB * NV];
    float wide[MR * WIDE];
#if WT == F16
    float block[KC * NR];
#endif
    int panels = (n + NR - 1) / NR, rows_first = flags & ROWS_FIRST ? 1 : 0;
    int p0 = (int)get_group_id(rows_first) * pb, r0 = (int)get_group_id(1 - rows_first) * rb;
    int p1 = min(p0 + pb, panels), r1 = min(r0 + rb, m);
    y += s.y;
    x += s.x;
    w += s.w;
    bias += s.bias;
    row += s.row;
    residual += s.residual;
    for (int k0 = 0; k0 < k; k0 += KC) {
        int kc = min(KC, k - k0);
        for (int p = p0; p < p1; p++) {
            __global const WTYPE *source = w + ((size_t)p * (size_t)k + (size_t)k0) * NR;
#if WT == F16
            if (r1 - r0 <= MR) {
                for (int r = r0; r < r1; r += FEW) {
                    row_ptr a[FEW];
#pragma unroll
                    for (int i = 0; i < FEW; i++) a[i] = row_of(wide + i * WIDE, x + (size_t)min(r + i, r1 - 1) * (size_t)ldx + k0, kc);
                    tile_few(sums + ((p - p0) * RB + (r - r0)) * NV, a, source, kc, k0 == 0);
                }
                continue;
            }
            widen(block, source, kc);
            panel_ptr b = block;
#else
            panel_ptr b = source;
#endif
            for (int r = r0; r < r1; r += MR) {
                row_ptr a[MR];
#pragma unroll
                for (int i = 0; i < MR; i++) a[i] = row_of(wide + i * WIDE, x + (size_t)min(r + i, r1 - 1) * (size_t)ldx + k0, kc);
                tile(sums + ((p - p0) * RB + (r - r0)) * NV, a, b, kc, k0 == 0);
            }
        }
    }
    epilogue e = {bias, row, flags, flags & IS_GEGLU ? n / 2 : n};
    store_block(sums, r0, r1, p0, p1, y, s.ldy, residual, s.ldr, row, s.ldrow, s.image, &e);
}
