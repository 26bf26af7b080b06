/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Merges the partial statistics of groupnorm_partial in a fixed order (Chan, Golub, LeVeque 1979) and turns them into what a consumer applies:
 *   norm (n, 2, c): scale = gamma * rstd, shift = beta - mean * scale
 *   part (n, slabs, 2, c): the hw rows of an image come in pieces of `piece`, and each of those in slabs of `rows`, the last of both may be smaller
 *   launch: one work-item per (group, image) */
__kernel void groupnorm_finish(__global float *norm, ulong no, __global const float *part, ulong po, __global const float *gamma, ulong go,
                               __global const float *beta, ulong bo, int hw, int c, int groups, int slabs, int piece, int rows, float eps)
{
    int g = (int)get_global_id(0), image = (int)get_global_id(1), width = c / groups, first = g * width;
    float mean = 0.0f, m2 = 0.0f, count = 0.0f;
    part += po + (size_t)image * (size_t)slabs * 2 * (size_t)c;
    for (int at = 0; at < hw; at += piece) {
        int here = min(piece, hw - at);
        for (int r = 0; r < here; r += rows, part += 2 * (size_t)c) {
            float n = (float)min(rows, here - r);
            for (int k = first; k < first + width; k++) {
                float d = part[k] - mean, total = count + n;
                mean += d * (n / total);
                m2 += part[c + k] + d * d * (count * n / total);
                count = total;
            }
        }
    }
    float rstd = 1.0f / sqrt(m2 / count + eps);
    norm += no + (size_t)image * 2 * (size_t)c;
    for (int k = first; k < first + width; k++) {
        float scale = gamma[go + (size_t)k] * rstd;
        norm[k] = scale;
        norm[c + k] = beta[bo + (size_t)k] - mean * scale;
    }
}
