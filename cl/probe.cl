/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Does the compiler do halves right? x, y: n halves, read and written as bit patterns.
 *   storage (ARITHMETIC 0):    y = 2 x - 1, computed in float
 *   arithmetic (ARITHMETIC 1): the same in half
 *   launch: one work-item a value */
#if ARITHMETIC
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#endif

__kernel void probe(__global half *restrict y, __global const half *restrict x)
{
    size_t i = get_global_id(0);
#if ARITHMETIC
    y[i] = x[i] * (half)2 - (half)1;
#else
    vstore_half(vload_half(i, x) * 2 - 1, i, y);
#endif
}
