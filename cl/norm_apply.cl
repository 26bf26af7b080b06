/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "norm_row.h"

/* y = x * norm[0] + norm[1] per image and channel, then SiLU where asked.  x, y (n, hw, c), row strides ldx, ldy; y may be x.  norm (n, 2, c)
 *   launch: dimension 0 blocks of ROWS rows, 1 groups of WG items over the channels (NV vectors of VW an item, strided) */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void norm_apply(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *norm, ulong no, int rows, int hw,
                int c, int ldx, int ldy, int silu)
{
    int r0 = (int)get_group_id(0) * ROWS, r1 = min(r0 + ROWS, rows);
    int item = (int)get_group_id(1) * WG + (int)get_local_id(0), step = VW * NV * WG * (int)get_num_groups(1);
    for (int r = r0; r < r1; r++) {
        __global const float *scale = norm + no + (size_t)(r / hw) * 2 * (size_t)c, *shift = scale + c;
        __global const XTYPE *from = x + xo + (size_t)r * (size_t)ldx;
        __global YTYPE *to = y + yo + (size_t)r * (size_t)ldy;
        apply_row(to, from, scale, shift, c, silu, VW * NV * item, step);
    }
}
