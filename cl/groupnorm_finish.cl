/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "groupnorm_merge.h"

/* Merges the moments of groupnorm_partial: norm (n, 2, c) from part (n, slabs, 2, c).
 *   launch: one work-item per (group, image) */
__kernel void groupnorm_finish(__global float *norm, ulong no, __global const float *part, ulong po, __global const float *gamma, ulong go,
                               __global const float *beta, ulong bo, int hw, int c, int groups, int slabs, int piece, int rows, float eps)
{
    int g = (int)get_global_id(0), image = (int)get_global_id(1), width = c / groups;
    part += po + (size_t)image * (size_t)slabs * 2 * (size_t)c;
    norm += no + (size_t)image * 2 * (size_t)c;
    merge_slabs(norm, part, gamma + go, beta + bo, g * width, width, hw, c, piece, rows, eps);
}
