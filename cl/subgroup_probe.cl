/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "subgroup.h"

/* Do segments of LANES items exchange their values as cl/subgroup.h assumes, in groups of two dimensions?
 *   x, y: two floats an item, y: maximum and sum over its segment
 *   launch: groups of LANES x ROWS items */
__kernel __attribute__((reqd_work_group_size(LANES, ROWS, 1))) SUBGROUP_ATTRIBUTE
void subgroup_probe(__global float *restrict y, __global const float *restrict x)
{
    size_t i = (get_group_id(0) * ROWS + get_local_id(1)) * LANES + get_local_id(0);
    y[2 * i] = lanes_max(x[2 * i]);
    y[2 * i + 1] = lanes_sum(x[2 * i + 1]);
}
