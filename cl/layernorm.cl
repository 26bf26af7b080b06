/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "reduce.h"
#include "vector.h"

#define NORMED(k) fma((LOADXV(from, k) - m) * s, LOADV(gamma + (k)), LOADV(beta + (k)))

INLINE VECTOR total(const VECTOR v[NV])
{
    VECTOR sum = v[0];
#pragma unroll
    for (int j = 1; j < NV; j++) sum += v[j];
    return sum;
}

/* y = (x - mean) * rstd * gamma + beta over each row of c values.  Row strides ldx, ldy; y may be x.  Mean, then squared deviations: two passes, each over all
 * rows of a group before the next, so that what one row waits for, another does not.
 *   launch: one group of WG items per block of ROWS rows, NV vectors of VW an item, strided */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) SUBGROUP_ATTRIBUTE
void layernorm(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *gamma, ulong go,
               __global const float *beta, ulong bo, int rows, int c, int ldx, int ldy, float eps)
{
    SCRATCH(scratch);
    float mean[ROWS], rstd[ROWS];
    int first = VW * NV * (int)get_local_id(0), r0 = (int)get_group_id(0) * ROWS, count = min(ROWS, rows - r0);
    x += xo + (size_t)r0 * (size_t)ldx;
    y += yo + (size_t)r0 * (size_t)ldy;
    gamma += go;
    beta += bo;
    for (int r = 0; r < count; r++) {
        __global const XTYPE *from = x + (size_t)r * (size_t)ldx;
        VECTOR sums[NV] = {0.0f};
        float sum = 0.0f;
        int k = first;
        for (; k + VW * NV <= c; k += VW * NV * WG)
#pragma unroll
            for (int j = 0; j < NV; j++) sums[j] += LOADXV(from, k + VW * j);
        for (; k + VW <= c; k += VW) sums[0] += LOADXV(from, k);
        for (; k < c; k++) sum += LOADX(from, k);
        mean[r] = group_sum(SUMV(total(sums)) + sum, scratch) / (float)c;
    }
    for (int r = 0; r < count; r++) {
        __global const XTYPE *from = x + (size_t)r * (size_t)ldx;
        VECTOR sums[NV] = {0.0f};
        float sum = 0.0f, m = mean[r];
        int k = first;
        for (; k + VW * NV <= c; k += VW * NV * WG)
#pragma unroll
            for (int j = 0; j < NV; j++) {
                VECTOR d = LOADXV(from, k + VW * j) - m;
                sums[j] = fma(d, d, sums[j]);
            }
        for (; k + VW <= c; k += VW) {
            VECTOR d = LOADXV(from, k) - m;
            sums[0] = fma(d, d, sums[0]);
        }
        for (; k < c; k++) {
            float d = LOADX(from, k) - m;
            sum = fma(d, d, sum);
        }
        rstd[r] = rstd_of(group_sum(SUMV(total(sums)) + sum, scratch) / (float)c, eps);
    }
    for (int r = 0; r < count; r++) {
        __global const XTYPE *from = x + (size_t)r * (size_t)ldx;
        __global YTYPE *to = y + (size_t)r * (size_t)ldy;
        float m = mean[r], s = rstd[r];
        int k = first;
        for (; k + VW * NV <= c; k += VW * NV * WG)
#pragma unroll
            for (int j = 0; j < NV; j++) STOREYV(NORMED(k + VW * j), to, k + VW * j);
        for (; k + VW <= c; k += VW) STOREYV(NORMED(k), to, k);
        for (; k < c; k++) STOREY(fma((LOADX(from, k) - m) * s, gamma[k], beta[k]), to, k);
    }
}
