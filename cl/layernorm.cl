/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "reduce.h"
#include "vector.h"

/* y = (x - mean) * rstd * gamma + beta over each row of c values.  Row strides ldx, ldy; y may be x.  Mean, then squared deviations: two passes.
 *   launch: one group of WG items per block of ROWS rows */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void layernorm(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *gamma, ulong go,
               __global const float *beta, ulong bo, int rows, int c, int ldx, int ldy, float eps)
{
    SCRATCH(scratch);
    int first = VW * (int)get_local_id(0), r0 = (int)get_group_id(0) * ROWS, r1 = min(r0 + ROWS, rows);
    gamma += go;
    beta += bo;
    for (int r = r0; r < r1; r++) {
        __global const XTYPE *from = x + xo + (size_t)r * (size_t)ldx;
        __global YTYPE *to = y + yo + (size_t)r * (size_t)ldy;
        VECTOR sv = 0.0f, dv = 0.0f;
        float s1 = 0.0f, d1 = 0.0f;
        for (int k = first; k < c; k += VW * WG) {
            if (k + VW <= c) sv += LOADXV(from, k);
            else
                for (int j = k; j < c; j++) s1 += LOADX(from, j);
        }
        float mean = group_sum(SUMV(sv) + s1, scratch) / (float)c;
        for (int k = first; k < c; k += VW * WG) {
            if (k + VW <= c) {
                VECTOR d = LOADXV(from, k) - mean;
                dv = fma(d, d, dv);
            } else
                for (int j = k; j < c; j++) {
                    float d = LOADX(from, j) - mean;
                    d1 = fma(d, d, d1);
                }
        }
        float rstd = 1.0f / sqrt(group_sum(SUMV(dv) + d1, scratch) / (float)c + eps);
        for (int k = first; k < c; k += VW * WG) {
            if (k + VW <= c) {
                VECTOR v = fma((LOADXV(from, k) - mean) * rstd, LOADV(gamma + k), LOADV(beta + k));
                STOREYV(v, to, k);
            } else
                for (int j = k; j < c; j++) STOREY(fma((LOADX(from, j) - mean) * rstd, gamma[j], beta[j]), to, j);
        }
    }
}
