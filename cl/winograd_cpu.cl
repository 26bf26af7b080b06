/* SPDX-License-Identifier: MIT */
#define PRIVATE_PANELS
#undef XT
#define XT F32 /* of the transformed input */
#include "tile_cpu.h"

#define VT float16
#include "winograd.h"

/* From one point to the next, in vectors and in floats: a line more than a multiple of a power of two, or they would share a few sets of the cache. */
#define SUM_STEP (TB * NV + 1)
#define U_STEP (KC * NR + 16)

/* Rows of points whose weights are transformed together, and how often. */
#define PARTS (ALPHA / ROWS)

/* u[ROWS rows of ALPHA points][U_STEP] = G g G^T for kc input channels from k0 on: the rows from `part` * ROWS on. */
INLINE void transform_weights(float *restrict u, __global const WTYPE *wt, int c, int k0, int kc, int part)
{
    for (int k = 0; k < kc; k++)
        for (int j = 0; j < NV; j++) {
            float16 taps[9], half_way[3 * ALPHA], points[ALPHA];
#pragma unroll
            for (int t = 0; t < 9; t++) taps[t] = LOADW16(wt, ((size_t)t * (size_t)c + (size_t)(k0 + k)) * NR + (size_t)(16 * j));
#pragma unroll
            for (int t = 0; t < 3; t++) winograd_weight_1d(half_way + t, 3, taps + t, 3);
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                winograd_weight_1d(points, 1, half_way + 3 * (part * ROWS + i), 1);
#pragma unroll
                for (int q = 0; q < ALPHA; q++) KEEP16(points[q], u, (i * ALPHA + q) * U_STEP + k * NR + 16 * j);
            }
        }
}

/* y (n, oh, ow, N) = epilogue(3x3 convolution) from transformed input: Winograd's F(TILE x TILE, 3 x 3), for CPUs.
 *   v: of winograd_input_cpu, blocks of `block` tiles (<= TB, a multiple of MR) from tile0 on, `tiles` tiles in all
 *   weights: panels [ceil(N/NR)][9][C][NR], transformed KC input channels at a time into private memory: each is used for a block of tiles, so that
 *   this costs a few percent and no memory. The products of a block and a panel stay in the second-level cache and are transformed where they are.
 *   the rest: conv3x3_cpu.cl
 *   launch: one work-item per panel and block; dimension 0 panels, so that neighbours share a block of v */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_cpu(__global YTYPE *y, ulong yo, __global const float *v, ulong vo, __global const WTYPE *wt, ulong wo,
                  __global const float *bias, ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so,
                  int c, int oh, int ow, int n, int ldy, int ldr, int ldrow, int flags, int tile0, int tiles, int block)
{
    float16 sums[POINTS * SUM_STEP], products[TILE * TILE * NV];
    float u[ROWS * ALPHA * U_STEP];
    int panel = (int)get_group_id(0), first = (int)get_group_id(1) * block, count = min(block, tiles - first);
    int slabs = (c + KC - 1) / KC, step = V_STEP(block), th = (oh + TILE - 1) / TILE, tw = (ow + TILE - 1) / TILE;
    v += vo + (size_t)get_group_id(1) * (size_t)step * POINTS * (size_t)slabs;
    wt += wo + (size_t)panel * 9 * (size_t)c * NR;
    y += yo;
    for (int part = 0; part < PARTS; part++)
        for (int k0 = 0; k0 < c; k0 += KC) {
            int kc = min(KC, c - k0);
            __global const float *slab = v + (size_t)(k0 / KC * POINTS + part * ROWS * ALPHA) * (size_t)step;
            switch (part) { /* a constant for the transform, which is a part of the whole */
            case 0: transform_weights(u, wt, c, k0, kc, 0); break;
            case 1: transform_weights(u, wt, c, k0, kc, min(1, PARTS - 1)); break;
            case 2: transform_weights(u, wt, c, k0, kc, min(2, PARTS - 1)); break;
            default: transform_weights(u, wt, c, k0, kc, PARTS - 1); break;
            }
            for (int i = 0; i < ROWS * ALPHA; i++)
                for (int r = 0; r < count; r += MR) {
                    row_ptr a[MR];
#pragma unroll
                    for (int q = 0; q < MR; q++) a[q] = slab + i * step + min(r + q, count - 1) * KC;
                    tile(sums + (part * ROWS * ALPHA + i) * SUM_STEP + r * NV, a, u + i * U_STEP, kc, k0 == 0);
                }
        }
    epilogue e = {bias + bo, row + ro, flags, n};
    for (int t = 0; t < count; t++) {
        int at = tile0 + first + t, tx = at % tw, ty = at / tw % th, image = at / (tw * th);
        e.row = row + ro + (size_t)image * (size_t)ldrow;
        for (int j = 0; j < NV; j++) {
            float16 half_way[TILE * ALPHA], pixels[TILE];
#pragma unroll
            for (int i = 0; i < ALPHA; i++) winograd_output_1d(half_way + i, ALPHA, sums + i * SUM_STEP + t * NV + j, ALPHA * SUM_STEP);
#pragma unroll
            for (int i = 0; i < TILE; i++) {
                winograd_output_1d(pixels, 1, half_way + i * ALPHA, 1);
#pragma unroll
                for (int q = 0; q < TILE; q++) products[(i * TILE + q) * NV + j] = pixels[q];
            }
        }
        for (int i = 0; i < TILE * TILE; i++) {
            int oy = ty * TILE + i / TILE, ox = tx * TILE + i % TILE;
            if (oy >= oh || ox >= ow) continue;
            size_t r = ((size_t)image * (size_t)oh + (size_t)oy) * (size_t)ow + (size_t)ox;
            store_row((const float *)(products + i * NV), y + r * (size_t)ldy, residual + so + r * (size_t)ldr, &e, panel * NR);
        }
    }
}
