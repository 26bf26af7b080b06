/* SPDX-License-Identifier: MIT */
/* Transformed input, weights and products are floats, whatever is stored; nothing follows the sums here. */
#undef XT
#undef WT
#undef YT
#define XT F32
#define WT F32
#define YT F32
#define NORM 0
#define ACT 0
#define GEGLU 0
#define MATH 0
#include "tile_gpu.h"

INLINE void fetch(XRAW xraw[XVECS], WRAW wraw[WVECS], __global const float *v, __global const float *u, int k0, int k)
{
#pragma unroll
    for (int i = 0; i < XVECS; i++) xraw[i] = fetch_x(v + (uint)(x_row(i) * k + k0 + x_first(i)), VW, 1);
    fetch_panel(wraw, u + (size_t)k0 * BN, BK);
}

/* m = v u at every point of a 3x3 convolution by Winograd's F(TILE x TILE, 3 x 3), for GPUs: winograd_input_gpu transforms the input, winograd_weight_gpu the
 * weights, and winograd_output_gpu makes y of m.
 *   v [points][rows][k]   u [points][panels][k][BN]   m [points][rows][panels BN]      rows of whole BM, k of whole BK
 *   first: the group in dimension 0 that this piece of the launch begins with
 *   launch: dimension 0 points, and within a point panels and blocks of rows as in gemm_gpu */
__kernel __attribute__((reqd_work_group_size(GN, GM, 1)))
void winograd_gpu(__global float *m, ulong mo, __global const float *v, ulong vo, __global const float *u, ulong uo, int rows, int panels, int k,
                  int first)
{
    __local float as[DB * BK * LDA] __attribute__((aligned(16))), bs[DB * BK * BN] __attribute__((aligned(16)));
    int group = first + (int)get_group_id(0), of_point = rows / BM * panels, point = group / of_point, panel, block;
    XRAW xraw[XVECS];
    WRAW wraw[WVECS];
    float sum[TM][TN];
    tile_of_group(group - point * of_point, panels, rows / BM, &panel, &block);
    size_t row0 = (size_t)point * (size_t)rows + (size_t)(block * BM);
    v += vo + row0 * (size_t)k;
    u += uo + (size_t)(point * panels + panel) * (size_t)k * BN;
    m += mo + row0 * (size_t)(panels * BN);
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sum[i][j] = 0.0f;
    fetch(xraw, wraw, v, u, 0, k);
    for (int k0 = 0, buffer = 0; k0 < k; k0 += BK, buffer ^= DB - 1) {
        __local float *a = as + buffer * (BK * LDA), *b = bs + buffer * (BK * BN);
        if (DB == 1) barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int i = 0; i < XVECS; i++) store_x(a, i, xraw[i], 1, v, 0, 0);
        store_panel(b, wraw);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (k0 + BK < k) fetch(xraw, wraw, v, u, k0 + BK, k);
        multiply(sum, a, b);
    }
#pragma unroll
    for (int i = 0; i < TM; i++) store_sums(sum[i], m + (size_t)(sum_row(i) * panels * BN), m, m, m, 0, panels * BN, panel);
}
