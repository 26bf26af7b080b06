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
    int k = begin;
    for (; k + VW <= seen; k += VW * WG) mv = fmax(mv, LOADV(x + k));
    for (; k < seen; k++) m1 = fmax(m1, x[k]);
    float top = group_max(fmax(MAXV(mv), m1), scratch);
    for (k = begin; k + VW <= seen; k += VW * WG) {
        VECTOR v = EXPV((LOADV(x + k) - top) * scale);
        sv += v;
        STOREV(v, x + k);
    }
    for (; k < seen; k++) {
        x[k] = exp_1((x[k] - top) * scale);
        s1 += x[k];
    }
    float inverse = 1.0f / group_sum(SUMV(sv) + s1, scratch);
    for (k = begin; k + VW <= n; k += VW * WG)
        if (k + VW <= seen) STOREV(LOADV(x + k) * inverse, x + k);
        else
            for (int j = k; j < k + VW; j++) x[j] = j < seen ? x[j] * inverse : 0.0f;
    for (; k < n; k++) x[k] = k < seen ? x[k] * inverse : 0.0f;
}
