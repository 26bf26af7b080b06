/* SPDX-License-Identifier: MIT */
/* Sums and maxima over a work-group of WG items in a fixed order. WG = 1 costs nothing: CPU devices run one item per group, without barriers. REDUCE 1:
 * segments of LANES items exchange their values in a sub-group (cl/subgroup.h), and local memory is left for one value of each. */
#if WG > 1 && REDUCE
#include "subgroup.h"
#define SEGMENTS (WG / LANES)
#if SEGMENTS > 1
#define SCRATCH(name) __local float name[SEGMENTS]
INLINE void gather(float all[SEGMENTS], float v, __local float *scratch)
{
    int i = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (i % LANES == 0) scratch[i / LANES] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int s = 0; s < SEGMENTS; s++) all[s] = scratch[s];
}
#else
#define SCRATCH(name) __local float *name = 0
INLINE void gather(float all[SEGMENTS], float v, __local float *scratch)
{
    (void)scratch;
    all[0] = v;
}
#endif
INLINE float group_sum(float v, __local float *scratch)
{
    float all[SEGMENTS];
    gather(all, lanes_sum(v), scratch);
    for (int s = 1; s < SEGMENTS; s++) all[0] += all[s];
    return all[0];
}
INLINE float group_max(float v, __local float *scratch)
{
    float all[SEGMENTS];
    gather(all, lanes_max(v), scratch);
    for (int s = 1; s < SEGMENTS; s++) all[0] = fmax(all[0], all[s]);
    return all[0];
}
#elif WG > 1
#define SCRATCH(name) __local float name[WG]
INLINE float group_sum(float v, __local float *scratch)
{
    int i = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[i] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int n = WG / 2; n > 0; n /= 2) {
        if (i < n) scratch[i] += scratch[i + n];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return scratch[0];
}
INLINE float group_max(float v, __local float *scratch)
{
    int i = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[i] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int n = WG / 2; n > 0; n /= 2) {
        if (i < n) scratch[i] = fmax(scratch[i], scratch[i + n]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return scratch[0];
}
#else
#define SCRATCH(name) __local float *name = 0
INLINE float group_sum(float v, __local float *scratch)
{
    (void)scratch;
    return v;
}
INLINE float group_max(float v, __local float *scratch)
{
    (void)scratch;
    return v;
}
#endif

#ifndef SUBGROUP_ATTRIBUTE
#define SUBGROUP_ATTRIBUTE
#endif

INLINE float sum_8(float8 v)
{
    float4 a = v.lo + v.hi;
    float2 b = a.lo + a.hi;
    return b.x + b.y;
}
INLINE float max_8(float8 v)
{
    float4 a = fmax(v.lo, v.hi);
    float2 b = fmax(a.lo, a.hi);
    return fmax(b.x, b.y);
}
INLINE float sum_16(float16 v) { return sum_8(v.lo + v.hi); }
INLINE float max_16(float16 v) { return max_8(fmax(v.lo, v.hi)); }
