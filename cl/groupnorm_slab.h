/* SPDX-License-Identifier: MIT */
#include "vector.h"

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

/* part (2, c): mean and sum of squared deviations of every channel over `rows` rows of x, stride ld. One pass: sums of the difference from the first row, which
 * is about as near to the mean as the other values, so that little cancels. For channels from `first` on, NV vectors of VW at a time, `step` apart. */
INLINE void slab_moments(__global float *part, __global const XTYPE *x, int rows, int c, int ld, int first, int step)
{
    float inverse = 1.0f / (float)rows;
    for (int k = first; k < c; k += step) {
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
