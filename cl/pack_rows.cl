/* SPDX-License-Identifier: MIT */
/* A matrix into panels, the vector operand of GEMM and convolution: w [panels][taps][columns][nr], of the bit pattern type T.
 *   src: rows [row0, row0 + count) of the matrix; element (row, column, tap) at (row - row0) * sr + column * sc + tap * st
 *   rows: of the whole matrix; with its last rows come the zeros that pad the last panel
 *   paired (GEGLU): a panel holds nr/2 rows of the first half of the matrix, then the same rows of the second half
 *   launch: one work-item per slot of every panel: dimension 0 slots, 1 panels */
__kernel void pack_rows(__global T *restrict w, ulong wo, __global const T *restrict src, ulong so, int rows, int row0, int count, int columns,
                        int taps, int nr, int paired, int sr, int sc, int st)
{
    int slot = (int)get_global_id(0), panel = (int)get_global_id(1);
    int parts = paired ? 2 : 1, width = nr / parts, second = slot >= width;
    int k = panel * width + slot - second * width, row = second * (rows / 2) + k;
    int padding = k >= rows / parts;
    if (padding ? row0 + count < rows : row < row0 || row >= row0 + count) return;
    __global T *to = w + wo + (size_t)panel * (size_t)columns * (size_t)taps * (size_t)nr + (size_t)slot;
    __global const T *from = src + so + (size_t)(row - row0) * (size_t)sr;
    for (int t = 0; t < taps; t++)
        for (int c = 0; c < columns; c++, to += nr) *to = padding ? (T)0 : from[(size_t)c * (size_t)sc + (size_t)t * (size_t)st];
}
