/* SPDX-License-Identifier: MIT */
#undef WT
#define WT F32 /* not read: weights are pairs of bf16 */
#define NV 1
#include "tile_cpu.h"
#include "matrix_cpu.h"

/* y (M, N) = epilogue(x (M, K) * w^T) with products of bf16 and sums of f32, by an x86 CPU's matrix instructions (cl/x86_matrix.h). Which of them a device
 * runs, and which is fastest, host/ops/x86_matrix.c finds out.
 *   x: rounded to bf16 block by block    w: pairs [panels of 16 columns][ceil(K/32)][16 pairs of k][16 columns][2], bf16, zero padded    the rest: gemm_cpu.cl
 *   launch: one work-item per block of rb rows (<= RB, a multiple of MR) and pb panels of 16 columns (<= PB, a multiple of NP, even with GEGLU);
 *     dimensions as there
 *   tune: MR rows by NP panels of a register tile (AMX: 32 by 2), RB, PB, KC (a multiple of 32) */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_matrix_cpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const uint *w, ulong wo, __global const float *bias,
                 ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so, int m, int n, int k, int ldx,
                 int ldy, int ldr, int ldrow, int image, int flags, int rb, int pb)
{
    float16 sums[PB * RB];
    uint rows[RB * KC / 2];
    int panels = flags & IS_GEGLU ? (n / 2 + 15) / 16 * 2 : (n + 15) / 16, rows_first = flags & ROWS_FIRST ? 1 : 0;
    int p0 = (int)get_group_id(rows_first) * pb, r0 = (int)get_group_id(1 - rows_first) * rb;
    int count = min(rb, m - r0), last = min(pb, panels - p0), whole = (count + MR - 1) / MR * MR;
    size_t panel = (size_t)((k + 31) / 32) * 256; /* pairs of a panel */
    y += yo;
    x += xo;
    w += wo + (size_t)p0 * panel;
    for (int i = 0; i < PB * RB; i++) sums[i] = 0.0f;
    for (int i = count * (KC / 2); i < whole * (KC / 2); i++) rows[i] = 0;
    amx tiles;
#if TILES
    tiles_on(&tiles);
#endif
    for (int k0 = 0; k0 < k; k0 += KC) {
        int kc = min(KC, k - k0), blocks = (kc + 31) / 32;
        for (int r = 0; r < count; r++) {
            __global const XTYPE *from = x + (size_t)(r0 + r) * (size_t)ldx + k0;
            ushort *to = (ushort *)(rows + r * (KC / 2));
            round_row(to, from, kc, blocks * 32);
        }
        for (int p = 0; p < last; p += NP) {
            __global const uint *b = w + (size_t)p * panel + (size_t)k0 * 8;
            int left = last - p; /* a tile of fewer than NP panels repeats its last */
            for (int r = 0; r < whole; r += MR) {
                const uint *a = rows + r * (KC / 2);
                multiply_tile(&tiles, sums + p * RB + r, a, a + 8 * KC, b, panel, left, blocks * 16);
            }
        }
    }
#if TILES
    tiles_off(&tiles);
#endif
    epilogue e = {bias + bo, row + ro, flags, flags & IS_GEGLU ? n / 2 : n};
    int step = flags & IS_GEGLU ? 2 : 1; /* a panel of values, then one of their gates */
    for (int r = 0; r < count; r++) {
        size_t at = (size_t)(r0 + r);
        e.row = row + ro + (size_t)((r0 + r) / image) * (size_t)ldrow;
        for (int p = 0; p < last; p += step)
            store_columns((const float *)(sums + p * RB + r), (const float *)(sums + (p + 1) * RB + r), 16, y + at * (size_t)ldy,
                          residual + so + at * (size_t)ldr, &e, (p0 + p) / step * 16);
    }
}
