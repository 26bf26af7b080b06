/* SPDX-License-Identifier: MIT */
/* A matrix into panels, the vector operand of GEMM and convolution: w [panels][taps][columns][nr], of the bit pattern type T.
 *   src: rows [row0, row0 + count) of the matrix; element (row, column, tap) at (row - row0) * sr + column * sc + tap * st
 *   rows: of the whole matrix; with its last rows come the zeros that pad the last panel
 *   paired (GEGLU): a panel holds nr/2 rows of the first half of the matrix, then the same rows of the second half
 *   launch: one work-item per block of BLOCK columns (-DBLOCK) and panel (dimensions 0, 1): it reads its rows once, in order */
__kernel void pack_rows(__global T *restrict w, ulong wo, __global const T *restrict src, ulong so, int rows, int row0, int count, int columns,
                        int taps, int nr, int paired, int sr, int sc, int st)
{
    int c0 = (int)get_global_id(0) * BLOCK, c1 = min(c0 + BLOCK, columns), panel = (int)get_global_id(1);
    int parts = paired ? 2 : 1, width = nr / parts, half_rows = rows / parts, first = panel * width;
    for (int part = 0; part < parts; part++) {
        int shift = part * half_rows + first; /* the row of slot 0 */
        int begin = max(0, row0 - shift), end = min(min(width, half_rows - first), row0 + count - shift);
        int zeros = row0 + count == rows ? min(width, max(0, half_rows - first)) : width;
        if (begin >= end && zeros >= width) continue;
        for (int c = c0; c < c1; c++)
            for (int t = 0; t < taps; t++) {
                __global T *to = w + wo + (((size_t)panel * (size_t)taps + (size_t)t) * (size_t)columns + (size_t)c) * (size_t)nr +
                                 (size_t)(part * width);
                __global const T *from = src + so + (size_t)c * (size_t)sc + (size_t)t * (size_t)st;
                for (int s = begin; s < end; s++) to[s] = from[(size_t)(shift + s - row0) * (size_t)sr];
                for (int s = zeros; s < width; s++) to[s] = 0;
            }
    }
}
