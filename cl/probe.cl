/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Does the compiler do halves right? x, y: n halves, read and written as bit patterns. y = 2 x - 1:
 *   storage (ARITHMETIC 0):    computed in float
 *   arithmetic (ARITHMETIC 1): in half, by what cl/tile_gpu.h does: halves made of floats, sums of products of pairs, floats made of halves
 *   launch: one work-item a value */
#if ARITHMETIC
#include "half_math.h"
#endif

__kernel void probe(__global half *restrict y, __global const half *restrict x)
{
    size_t i = get_global_id(0);
#if ARITHMETIC
    half2 sum = (half2)(0);
    half one = (half)vload_half(i, x);
    for (int k = -1; k < 3; k++) sum = (half2)(one) * (half2)((half)k, (half)1) + sum;
    y[i] = (half)((float)sum.x + 0.5f * (float)sum.y) - x[i] * (half)2 - (half)1;
#else
    vstore_half(vload_half(i, x) * 2 - 1, i, y);
#endif
}
