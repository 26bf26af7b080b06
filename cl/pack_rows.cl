/* SPDX-License-Identifier: MIT */
/* Weight rows into panels: w [ceil(rows/NR)][taps][columns][NR] from src [n][columns][taps], both of the bit pattern type T.
 * paired (GEGLU): a panel holds NR/2 rows of the first half of w, then the same rows of the second half.
 *   launch: one work-item per source row.  row0: index of src's first row in w. */
__kernel void pack_rows(__global T *restrict w, __global const T *restrict src, int rows, int row0, int columns, int taps, int nr,
                        int paired)
{
    int i = (int)get_global_id(0), row = row0 + i;
    int slot = row;
    if (paired) {
        int half_rows = rows / 2, half_nr = nr / 2, k = row < half_rows ? row : row - half_rows;
        slot = k / half_nr * nr + k % half_nr + (row < half_rows ? 0 : half_nr);
    }
    size_t k_all = (size_t)columns * (size_t)taps;
    __global T *to = w + (size_t)(slot / nr) * k_all * (size_t)nr + (size_t)(slot % nr);
    __global const T *from = src + (size_t)i * k_all;
    for (int c = 0; c < columns; c++)
        for (int t = 0; t < taps; t++) to[((size_t)t * (size_t)columns + (size_t)c) * (size_t)nr] = from[(size_t)c * (size_t)taps + (size_t)t];
}
