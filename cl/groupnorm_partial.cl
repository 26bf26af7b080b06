/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "vector.h"

/* Mean and sum of squared deviations of every channel over a slab of ROWS rows: the first half of group normalisation in NHWC, where a group alone
 * would be read in fragments of a few bytes. One pass: sums of the difference from the slab's first row, which is
 * about as near to the mean as the other values, so that little cancels.
 *   x (n, hw, c) with row stride ld    part (n, slabs, 2, c)
 *   launch: dimension 0 slabs, 1 groups of WG items over the channels (NV vectors of VW an item, strided), 2 images */
INLINE void column_moments(__global float *part, __global const XTYPE *x, int rows, int c, int ld, int k)
{
    float origin = LOADX(x, k), sum = 0.0f, squares = 0.0f;
    for (int r = 1; r < rows; r++) {
        float d = LOADX(x, (size_t)r * (size_t)ld + (size_t)k) - origin;
        sum += d;
        squares = fma(d, d, squares);
    }
    float mean = sum / (float)rows;
    part[k] = origin + mean;
    part[c + k] = fmax(fma(-sum, mean, squares), 0.0f);
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void groupnorm_partial(__global float *part, ulong po, __global const XTYPE *x, ulong xo, int hw, int c, int ld)
{
    int slab = (int)get_group_id(0), slabs = (int)get_num_groups(0), image = (int)get_group_id(2);
    int item = (int)get_group_id(1) * WG + (int)get_local_id(0), step = VW * NV * WG * (int)get_num_groups(1);
    int r0 = slab * ROWS, rows = min(ROWS, hw - r0);
    float inverse = 1.0f / (float)rows;
    x += xo + ((size_t)image * (size_t)hw + (size_t)r0) * (size_t)ld;
    part += po + ((size_t)image * (size_t)slabs + (size_t)slab) * 2 * (size_t)c;
    for (int k = VW * NV * item; k < c; k += step) {
        if (k + VW * NV > c) {
            for (int j = k; j < c; j++) column_moments(part, x, rows, c, ld, j);
            continue;
        }
        VECTOR origin[NV], sum[NV], squares[NV];
#pragma unroll
        for (int j = 0; j < NV; j++) {
            origin[j] = LOADXV(x, k + VW * j);
            sum[j] = squares[j] = 0.0f;
        }
        for (int r = 1; r < rows; r++)
#pragma unroll
            for (int j = 0; j < NV; j++) {
                VECTOR d = LOADXV(x, (size_t)r * (size_t)ld + (size_t)(k + VW * j)) - origin[j];
                sum[j] += d;
                squares[j] = fma(d, d, squares[j]);
            }
#pragma unroll
        for (int j = 0; j < NV; j++) {
            VECTOR mean = sum[j] * inverse;
            STOREV(origin[j] + mean, part + k + VW * j);
            STOREV(fmax(fma(-sum[j], mean, squares[j]), (VECTOR)(0.0f)), part + c + k + VW * j);
        }
    }
}
