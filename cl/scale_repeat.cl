/* SPDX-License-Identifier: MIT */
#include "common.h"

/* y = scale * x (or x itself), row by row; image i of y is image i % nx of x: guidance evaluates the same latents twice.
 *   x (nx, hw, c), y (n, hw, c), row strides ldx, ldy; rows_x = nx hw
 *   launch: one work-item per ROWS rows of y */
__kernel void scale_repeat(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *scale, ulong so, int use_scale,
                           int rows, int rows_x, int c, int ldx, int ldy)
{
    int r0 = (int)get_global_id(0) * ROWS, r1 = min(r0 + ROWS, rows), k;
    float s = use_scale ? scale[so] : 1.0f;
    for (int r = r0; r < r1; r++) {
        __global const XTYPE *from = x + xo + (size_t)(r % rows_x) * (size_t)ldx;
        __global YTYPE *to = y + yo + (size_t)r * (size_t)ldy;
        for (k = 0; k + 16 <= c; k += 16) STOREY16(s * LOADX16(from, k), to, k);
        for (; k < c; k++) STOREY(s * LOADX(from, k), to, k);
    }
}
