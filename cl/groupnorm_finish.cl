/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "groupnorm_merge.h"
#include "reduce.h"

/* Merges the moments of groupnorm_partial: norm (n, 2, c) from part (n, slabs, 2, c), as groupnorm_merge.h has it; WG > 1: the items of a group share the
 * moments of its slabs and channels, first for the mean, then for the squared deviations from it.
 *   launch: a group of WG items per (group of channels, image) */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) SUBGROUP_ATTRIBUTE
void groupnorm_finish(__global float *norm, ulong no, __global const float *part, ulong po, __global const float *gamma, ulong go,
                      __global const float *beta, ulong bo, int hw, int c, int groups, int slabs, int piece, int rows, float eps)
{
    int image = (int)get_group_id(1), width = c / groups, first = (int)get_group_id(0) * width;
    part += po + (size_t)image * (size_t)slabs * 2 * (size_t)c;
    norm += no + (size_t)image * 2 * (size_t)c;
    gamma += go;
    beta += bo;
#if WG == 1
    merge_slabs(norm, part, gamma, beta, first, width, hw, c, piece, rows, eps);
#else
    SCRATCH(scratch);
    int item = (int)get_local_id(0), last = (hw - 1) / piece, per_piece = (piece + rows - 1) / rows;
    int count = (last * per_piece + (hw - last * piece + rows - 1) / rows) * width;
    float all = (float)hw * (float)width, origin = part[first], sum = 0.0f, m2 = 0.0f;
    for (int i = item; i < count; i += WG) {
        int slab = i / width;
        float n = (float)slab_rows(slab, hw, piece, rows, per_piece);
        sum = fma(n, part[(size_t)slab * 2 * (size_t)c + (size_t)(first + i - slab * width)] - origin, sum);
    }
    float mean = origin + group_sum(sum, scratch) / all;
    for (int i = item; i < count; i += WG) {
        int slab = i / width;
        __global const float *from = part + (size_t)slab * 2 * (size_t)c + (size_t)(first + i - slab * width);
        float n = (float)slab_rows(slab, hw, piece, rows, per_piece), d = from[0] - mean;
        m2 += fma(n * d, d, from[c]);
    }
    float rstd = rstd_of(group_sum(m2, scratch) / all, eps);
    for (int k = first + item; k < first + width; k += WG) store_norm(norm, gamma, beta, c, k, mean, rstd);
#endif
}
