/* SPDX-License-Identifier: MIT */
#include "common.h"

/* The rate of memory: y = x.
 *   x, y: as many floats as items * ROWS * 16      launch: groups of WG items, each of ROWS vectors, WG vectors apart */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void peak_copy(__global float *restrict y, __global const float *restrict x)
{
    size_t at = get_group_id(0) * (size_t)(ROWS * WG) + get_local_id(0);
    for (int r = 0; r < ROWS; r++, at += WG) vstore16(vload16(at, x), at, y);
}
