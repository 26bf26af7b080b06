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

/* Of 1 to NV vectors of channels from k on; inlined with a constant, so that the arrays are registers. */
INLINE void vector_moments(__global float *part, __global const XTYPE *x, int rows, int c, int ld, int k, int vectors)
{
    VECTOR origin[NV], sum[NV], squares[NV];
#pragma unroll
    for (int j = 0; j < NV; j++) {
        origin[j] = j < vectors ? LOADXV(x, k + VW * j) : 0.0f;
        sum[j] = squares[j] = 0.0f;
    }
    for (int r = 1; r < rows; r++)
#pragma unroll
        for (int j = 0; j < NV; j++) {
            if (j >= vectors) continue;
            VECTOR d = LOADXV(x, (size_t)r * (size_t)ld + (size_t)(k + VW * j)) - origin[j];
            sum[j] += d;
            squares[j] = fma(d, d, squares[j]);
        }
#pragma unroll
    for (int j = 0; j < NV; j++) {
        if (j >= vectors) continue;
        VECTOR mean = sum[j] * (1.0f / (float)rows);
        STOREV(origin[j] + mean, part + k + VW * j);
        STOREV(fmax(fma(-sum[j], mean, squares[j]), (VECTOR)(0.0f)), part + c + k + VW * j);
    }
}

/* part (2, c): mean and sum of squared deviations of every channel over `rows` rows of x, stride ld. One pass: sums of the difference from the first row, which
 * is about as near to the mean as the other values, so that little cancels. For channels from `first` on, NV vectors of VW at a time, `step` apart. */
INLINE void slab_moments(__global float *part, __global const XTYPE *x, int rows, int c, int ld, int first, int step)
{
    int k = first;
    for (; k + VW * NV <= c; k += step) vector_moments(part, x, rows, c, ld, k, NV);
    for (; k + VW <= c; k += VW) vector_moments(part, x, rows, c, ld, k, 1);
    for (; k < c; k++) column_moments(part, x, rows, c, ld, k);
}
