/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Mean and sum of squared deviations of every channel over a slab of ROWS rows: the first half of group normalisation in NHWC, where a group alone
 * would be read in fragments of a few bytes.
 *   x (n, hw, c) with row stride ld    part (n, slabs, 2, c)    two passes over the slab, which stays in cache
 *   launch: dimension 0 slabs, 1 groups of WG items over the channels (8 an item, strided), 2 images */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void groupnorm_partial(__global float *part, ulong po, __global const XTYPE *x, ulong xo, int hw, int c, int ld)
{
    int slab = (int)get_group_id(0), slabs = (int)get_num_groups(0), image = (int)get_group_id(2);
    int first = 8 * ((int)get_group_id(1) * WG + (int)get_local_id(0)), step = 8 * WG * (int)get_num_groups(1);
    int r0 = slab * ROWS, rows = min(ROWS, hw - r0);
    float inverse = 1.0f / (float)rows;
    x += xo + ((size_t)image * (size_t)hw + (size_t)r0) * (size_t)ld;
    part += po + ((size_t)image * (size_t)slabs + (size_t)slab) * 2 * (size_t)c;
    for (int k = first; k < c; k += step) {
        if (k + 8 <= c) {
            float8 sum = 0.0f, m2 = 0.0f;
            for (int r = 0; r < rows; r++) sum += LOADX8(x, (size_t)r * (size_t)ld + (size_t)k);
            float8 mean = sum * inverse;
            for (int r = 0; r < rows; r++) {
                float8 d = LOADX8(x, (size_t)r * (size_t)ld + (size_t)k) - mean;
                m2 = fma(d, d, m2);
            }
            vstore8(mean, 0, part + k);
            vstore8(m2, 0, part + c + k);
        } else {
            for (int j = k; j < c; j++) {
                float sum = 0.0f, m2 = 0.0f;
                for (int r = 0; r < rows; r++) sum += LOADX(x, (size_t)r * (size_t)ld + (size_t)j);
                float mean = sum * inverse;
                for (int r = 0; r < rows; r++) {
                    float d = LOADX(x, (size_t)r * (size_t)ld + (size_t)j) - mean;
                    m2 = fma(d, d, m2);
                }
                part[j] = mean;
                part[c + j] = m2;
            }
        }
    }
}
