/* SPDX-License-Identifier: MIT */
#include "common.h"
#include "reduce.h"
#include "vector.h"

/* x = softmax(scale * x) over each row of n values, in place; row stride ld.  causal: row r is query first + r and sees keys 0 .. first + r; the others
 * become 0.
 *   launch: one group of WG items per row */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) SUBGROUP_ATTRIBUTE
void softmax_rows(__global float *x, ulong xo, int n, int ld, int causal, int first, float scale)
{
    SCRATCH(scratch);
    int r = (int)get_group_id(0), begin = VW * (int)get_local_id(0), seen = causal ? min(n, first + r + 1) : n;
    x += xo + (size_t)r * (size_t)ld;
    VECTOR mv = -MAXFLOAT, sv = 0.0f;
    float m1 = -MAXFLOAT, s1 = 0.0f;
    for (int k = begin; k < seen; k += VW * WG) {
        if (k + VW <= seen) mv = fmax(mv, LOADV(x + k));
        else
            for (int j = k; j < seen; j++) m1 = fmax(m1, x[j]);
    }
    float top = group_max(fmax(MAXV(mv), m1), scratch);
    for (int k = begin; k < seen; k += VW * WG) {
        if (k + VW <= seen) {
            VECTOR v = EXPV((LOADV(x + k) - top) * scale);
            sv += v;
            STOREV(v, x + k);
        } else
            for (int j = k; j < seen; j++) {
                float v = exp_1((x[j] - top) * scale);
                s1 += v;
                x[j] = v;
            }
    }
    float inverse = 1.0f / group_sum(SUMV(sv) + s1, scratch);
    for (int k = begin; k < n; k += VW * WG) {
        int end = min(k + VW, n);
        for (int j = k; j < end; j++) x[j] = j < seen ? x[j] * inverse : 0.0f;
    }
}
