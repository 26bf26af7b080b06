/* SPDX-License-Identifier: MIT */
/* A matrix into panels, the vector operand of GEMM and convolution: w [ceil(rows/nr)][taps][columns][nr], of the bit pattern type T.
 *   src: element (row, column, tap) of the source at row * sr + column * sc + tap * st; its row 0 is row `row0` of w
 *   rows: of w; items past them write the zeros that pad the last panel
 *   paired (GEGLU): a panel holds nr/2 rows of the first half of w, then the same rows of the second half; rows divides by nr or the padding is zero before
 *   launch: one work-item per source row (and per padding row) */
__kernel void pack_rows(__global T *restrict w, ulong wo, __global const T *restrict src, ulong so, int rows, int row0, int columns, int taps,
                        int nr, int paired, int sr, int sc, int st)
{
    int i = (int)get_global_id(0), row = row0 + i, slot = row;
    if (paired) {
        int half_rows = rows / 2, half_nr = nr / 2, k = row < half_rows ? row : row - half_rows;
        slot = k / half_nr * nr + k % half_nr + (row < half_rows ? 0 : half_nr);
    }
    __global T *to = w + wo + (size_t)(slot / nr) * (size_t)columns * (size_t)taps * (size_t)nr + (size_t)(slot % nr);
    __global const T *from = src + so + (size_t)i * (size_t)sr;
    for (int t = 0; t < taps; t++)
        for (int c = 0; c < columns; c++, to += nr) *to = row < rows ? from[(size_t)c * (size_t)sc + (size_t)t * (size_t)st] : (T)0;
}
