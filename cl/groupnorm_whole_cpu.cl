/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "groupnorm_merge.h"
#include "groupnorm_slab.h"
#include "norm_row.h"

/* Group normalisation of a small image by one work-item: the sums of groupnorm_partial, groupnorm_finish and norm_apply in their order, in one launch, which
 * costs a CPU as much as the work.
 *   y, x (n, hw, c), row strides ldy, ldx; y may be x    norm (n, 2, c), part (n, slabs, 2, c): written too
 *   launch: an item per image */
typedef struct whole_scalars {
    ulong y, x, norm, part, gamma, beta; /* where they begin */
    int hw, c, ldx, ldy, groups, silu;
    float eps;
} whole_scalars;

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void groupnorm_whole_cpu(__global YTYPE *y, __global const XTYPE *x, __global float *norm, __global float *part, __global const float *gamma,
                         __global const float *beta, whole_scalars s)
{
    size_t image = get_group_id(0), c = (size_t)s.c, slabs = (size_t)((s.hw + ROWS - 1) / ROWS);
    int width = s.c / s.groups;
    x += s.x + image * (size_t)s.hw * (size_t)s.ldx;
    y += s.y + image * (size_t)s.hw * (size_t)s.ldy;
    norm += s.norm + image * 2 * c;
    part += s.part + image * slabs * 2 * c;
    for (int r = 0, slab = 0; r < s.hw; r += ROWS, slab++)
        slab_moments(part + (size_t)slab * 2 * c, x + (size_t)r * (size_t)s.ldx, min(ROWS, s.hw - r), s.c, s.ldx, 0, VW * NV);
    for (int g = 0; g < s.groups; g++) merge_slabs(norm, part, gamma + s.gamma, beta + s.beta, g * width, width, s.hw, s.c, s.hw, ROWS, s.eps);
    for (int r = 0; r < s.hw; r++)
        apply_row(y + (size_t)r * (size_t)s.ldy, x + (size_t)r * (size_t)s.ldx, norm, norm + c, s.c, s.silu, 0, VW * NV);
}
