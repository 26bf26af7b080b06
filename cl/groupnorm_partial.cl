/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "groupnorm_slab.h"

/* Moments of every channel over a slab of ROWS rows: the first half of group normalisation in NHWC, where a group alone would be read in fragments of a few
 * bytes.
 *   x (n, hw, c) with row stride ld    part (n, slabs, 2, c)
 *   launch: dimension 0 slabs, 1 groups of WG items over the channels (NV vectors of VW an item, strided), 2 images */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void groupnorm_partial(__global float *part, ulong po, __global const XTYPE *x, ulong xo, int hw, int c, int ld)
{
    int slab = (int)get_group_id(0), slabs = (int)get_num_groups(0), image = (int)get_group_id(2);
    int item = (int)get_group_id(1) * WG + (int)get_local_id(0), step = VW * NV * WG * (int)get_num_groups(1);
    int r0 = slab * ROWS;
    x += xo + ((size_t)image * (size_t)hw + (size_t)r0) * (size_t)ld;
    part += po + ((size_t)image * (size_t)slabs + (size_t)slab) * 2 * (size_t)c;
    slab_moments(part, x, min(ROWS, hw - r0), c, ld, VW * NV * item, step);
}
