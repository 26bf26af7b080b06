/* SPDX-License-Identifier: MIT */
#include "common.h"

/* The rate of multiply-adds: CHAINS independent chains in registers, enough to hide their latency; nothing is read from memory.
 *   y: WIDTH floats a work-item, so that no work can be left out      a, b: with |a| < 1 the chains stay near b / (1 - a)
 *   launch: groups of WG items, each of 2 * rounds * CHAINS * WIDTH operations */
#if WIDTH == 1
typedef float lanes;
#else
typedef JOIN(float, WIDTH) lanes;
#endif

__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void peak_fma(__global lanes *y, float a, float b, int rounds)
{
    lanes c[CHAINS], sum = 0;
#pragma unroll
    for (int i = 0; i < CHAINS; i++) c[i] = (lanes)((float)i);
    for (int k = 0; k < rounds; k++)
#pragma unroll
        for (int i = 0; i < CHAINS; i++) c[i] = fma(c[i], (lanes)(a), (lanes)(b));
#pragma unroll
    for (int i = 0; i < CHAINS; i++) sum += c[i];
    y[get_global_id(0)] = sum;
}
