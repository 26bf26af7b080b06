/* SPDX-License-Identifier: MIT */
#include "common.h"

#define VT float
#include "winograd.h"

/* u = G w G^T of the weights of `panels` panels of BN output channels, from `first` on: the second launch of cl/winograd_gpu.cl.
 *   w: panels [ceil(N/BN)][9][c][BN]
 *   u [POINTS][panels][padded][BN], zeros after c input channels
 *   launch: groups of WG items, one per panel, input and output channel, output channels fastest */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void winograd_weight_gpu(__global float *u, ulong uo, __global const WTYPE *w, ulong wo, int c, int first, int panels, int padded)
{
    int item = (int)get_global_id(0), all = panels * padded * BN, row = item / BN, k = row % padded, exists = k < c;
    float taps[9], half_way[3 * ALPHA], points[ALPHA];
    if (item >= all) return;
    w += wo + ((size_t)(first + row / padded) * 9 * (size_t)c + (size_t)(exists ? k : 0)) * BN + (size_t)(item % BN);
#pragma unroll
    for (int t = 0; t < 9; t++) {
        taps[t] = LOADW(w, (size_t)t * (size_t)c * BN);
        taps[t] = exists ? taps[t] : 0.0f;
    }
#pragma unroll
    for (int t = 0; t < 3; t++) winograd_weight_1d(half_way + t, 3, taps + t, 3);
    u += uo + (size_t)item;
#pragma unroll
    for (int i = 0; i < ALPHA; i++) {
        winograd_weight_1d(points, 1, half_way + 3 * i, 1);
#pragma unroll
        for (int j = 0; j < ALPHA; j++) u[(size_t)(i * ALPHA + j) * (size_t)all] = points[j];
    }
}
