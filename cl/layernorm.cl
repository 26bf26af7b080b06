/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "reduce.h"
#include "vector.h"

/* y = (x - mean) * rstd * gamma + beta over each row of c values.  Row strides ldx, ldy; y may be x.  Mean, then squared deviations: two passes, each over all
 * rows of a group before the next, so that what one row waits for, another does not.
 *   launch: one group of WG items per block of ROWS rows */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) SUBGROUP_ATTRIBUTE
void layernorm(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *gamma, ulong go,
               __global const float *beta, ulong bo, int rows, int c, int ldx, int ldy, float eps)
{
    SCRATCH(scratch);
    float mean[ROWS], rstd[ROWS];
    int first = VW * (int)get_local_id(0), r0 = (int)get_group_id(0) * ROWS, count = min(ROWS, rows - r0);
    x += xo + (size_t)r0 * (size_t)ldx;
    y += yo + (size_t)r0 * (size_t)ldy;
    gamma += go;
    beta += bo;
    for (int r = 0; r < count; r++) {
        __global const XTYPE *from = x + (size_t)r * (size_t)ldx;
        VECTOR sums = 0.0f;
        float sum = 0.0f;
        for (int k = first; k < c; k += VW * WG) {
            if (k + VW <= c) sums += LOADXV(from, k);
            else
                for (int j = k; j < c; j++) sum += LOADX(from, j);
        }
        mean[r] = group_sum(SUMV(sums) + sum, scratch) / (float)c;
    }
    for (int r = 0; r < count; r++) {
        __global const XTYPE *from = x + (size_t)r * (size_t)ldx;
        VECTOR sums = 0.0f;
        float sum = 0.0f;
        for (int k = first; k < c; k += VW * WG) {
            if (k + VW <= c) {
                VECTOR d = LOADXV(from, k) - mean[r];
                sums = fma(d, d, sums);
            } else
                for (int j = k; j < c; j++) {
                    float d = LOADX(from, j) - mean[r];
                    sum = fma(d, d, sum);
                }
        }
        rstd[r] = 1.0f / sqrt(group_sum(SUMV(sums) + sum, scratch) / (float)c + eps);
    }
    for (int r = 0; r < count; r++) {
        __global const XTYPE *from = x + (size_t)r * (size_t)ldx;
        __global YTYPE *to = y + (size_t)r * (size_t)ldy;
        for (int k = first; k < c; k += VW * WG) {
            if (k + VW <= c) {
                VECTOR v = fma((LOADXV(from, k) - mean[r]) * rstd[r], LOADV(gamma + k), LOADV(beta + k));
                STOREYV(v, to, k);
            } else
                for (int j = k; j < c; j++) STOREY(fma((LOADX(from, j) - mean[r]) * rstd[r], gamma[j], beta[j]), to, j);
        }
    }
}
