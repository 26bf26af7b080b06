/* SPDX-License-Identifier: MIT */
#include "common.h"

/* A matrix into the operand of matrix instructions: w [panels of 16 rows][taps][ceil(columns/32)][16 pairs of columns][16 rows][2], bf16 (ties to even).
 *   src: rows [row0, row0 + count) of the matrix, of `columns` times `taps` values of type XT    rows: of the whole matrix; its last come with zeros
 *   paired (GEGLU): even panels hold rows of the first half, odd ones the same rows of the second
 *   launch: one work-item per block of BLOCK columns (-DBLOCK, a multiple of 32) and panel: it writes the padding of both too, with its own rows */
__kernel void pack_pairs(__global ushort *restrict w, ulong wo, __global const XTYPE *restrict src, ulong so, int rows, int row0, int count,
                         int columns, int taps, int paired)
{
    int padded = (columns + 31) / 32 * 32, c0 = (int)get_global_id(0) * BLOCK, c1 = min(c0 + BLOCK, padded), panel = (int)get_global_id(1);
    int half_rows = paired ? rows / 2 : rows, first = paired ? panel / 2 * 16 : panel * 16, shift = paired && panel % 2 ? half_rows : 0;
    w += wo + (size_t)panel * (size_t)taps * (size_t)padded * 16;
    src += so;
    for (int s = 0; s < 16; s++) {
        int within = first + s, row = shift + within;
        int zero = within >= half_rows ? row0 + count == rows : 0;
        if (!zero && (within >= half_rows || row < row0 || row >= row0 + count)) continue;
        __global const XTYPE *from = src + (size_t)(row - row0) * (size_t)columns * (size_t)taps;
        for (int c = c0; c < c1; c++)
            for (int t = 0; t < taps; t++)
                w[((size_t)t * (size_t)padded + (size_t)(c / 2 * 2)) * 16 + (size_t)(2 * s + c % 2)] =
                    zero || c >= columns ? (ushort)0 : to_bf16(LOADX(from, (size_t)c * (size_t)taps + (size_t)t));
    }
}
