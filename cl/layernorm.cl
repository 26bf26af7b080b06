/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "reduce.h"

/* y = (x - mean) * rstd * gamma + beta over each row of c values.  Row strides ldx, ldy; y may be x.  Mean, then squared deviations: two passes.
 *   launch: one group of WG items per block of ROWS rows */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void layernorm(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *gamma, ulong go,
               __global const float *beta, ulong bo, int rows, int c, int ldx, int ldy, float eps)
{
    SCRATCH(scratch);
    int first = 8 * (int)get_local_id(0), r0 = (int)get_group_id(0) * ROWS, r1 = min(r0 + ROWS, rows);
    gamma += go;
    beta += bo;
    for (int r = r0; r < r1; r++) {
        __global const XTYPE *from = x + xo + (size_t)r * (size_t)ldx;
        __global YTYPE *to = y + yo + (size_t)r * (size_t)ldy;
        float8 s8 = 0.0f, d8 = 0.0f;
        float s1 = 0.0f, d1 = 0.0f;
        for (int k = first; k < c; k += 8 * WG) {
            if (k + 8 <= c) s8 += LOADX8(from, k);
            else
                for (int j = k; j < c; j++) s1 += LOADX(from, j);
        }
        float mean = group_sum(sum_8(s8) + s1, scratch) / (float)c;
        for (int k = first; k < c; k += 8 * WG) {
            if (k + 8 <= c) {
                float8 d = LOADX8(from, k) - mean;
                d8 = fma(d, d, d8);
            } else
                for (int j = k; j < c; j++) {
                    float d = LOADX(from, j) - mean;
                    d1 = fma(d, d, d1);
                }
        }
        float rstd = 1.0f / sqrt(group_sum(sum_8(d8) + d1, scratch) / (float)c + eps);
        for (int k = first; k < c; k += 8 * WG) {
            if (k + 8 <= c) {
                float8 v = fma((LOADX8(from, k) - mean) * rstd, vload8(0, gamma + k), vload8(0, beta + k));
                STOREY8(v, to, k);
            } else
                for (int j = k; j < c; j++) STOREY(fma((LOADX(from, j) - mean) * rstd, gamma[j], beta[j]), to, j);
        }
    }
}
