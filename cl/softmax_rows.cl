/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "reduce.h"

/* x = softmax(scale * x) over each row of n values, in place; row stride ld.  causal: row r is query first + r and sees keys 0 .. first + r; the others
 * become 0.
 *   launch: one group of WG items per row */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void softmax_rows(__global float *x, ulong xo, int n, int ld, int causal, int first, float scale)
{
    SCRATCH(scratch);
    int r = (int)get_group_id(0), begin = 8 * (int)get_local_id(0), seen = causal ? min(n, first + r + 1) : n;
    x += xo + (size_t)r * (size_t)ld;
    float8 m8 = -MAXFLOAT, s8 = 0.0f;
    float m1 = -MAXFLOAT, s1 = 0.0f;
    for (int k = begin; k < seen; k += 8 * WG) {
        if (k + 8 <= seen) m8 = fmax(m8, vload8(0, x + k));
        else
            for (int j = k; j < seen; j++) m1 = fmax(m1, x[j]);
    }
    float top = group_max(fmax(max_8(m8), m1), scratch);
    for (int k = begin; k < seen; k += 8 * WG) {
        if (k + 8 <= seen) {
            float8 v = exp_8((vload8(0, x + k) - top) * scale);
            s8 += v;
            vstore8(v, 0, x + k);
        } else
            for (int j = k; j < seen; j++) {
                float v = exp_1((x[j] - top) * scale);
                s1 += v;
                x[j] = v;
            }
    }
    float inverse = 1.0f / group_sum(sum_8(s8) + s1, scratch);
    for (int k = begin; k < n; k += 8 * WG) {
        int end = min(k + 8, n);
        for (int j = k; j < end; j++) x[j] = j < seen ? x[j] * inverse : 0.0f;
    }
}
