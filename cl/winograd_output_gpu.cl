/* SPDX-License-Identifier: MIT */
#include "common.h"

#define VT float
#include "winograd.h"

/* y (n, oh, ow, N) = epilogue(A^T m A) of what winograd_gpu has multiplied: the last launch of a 3x3 convolution. bias, row, residual: as conv3x3_cpu.cl;
 * ACT, the epilogue's activation, is compiled in.
 *   m [POINTS][rows][columns]: tiles from tile0 on, output channels from n0 on
 *   th, tw: tile rows of an image, tiles of a row
 *   launch: groups of WG items, one per tile and output channel, `count` channels of `tiles` tiles, channels fastest */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void winograd_output_gpu(__global YTYPE *y, ulong yo, __global const float *m, ulong mo, __global const float *bias, ulong bo,
                         __global const float *row, ulong ro, __global const YTYPE *residual, ulong so, int oh, int ow, int n, int ldy, int ldr,
                         int ldrow, int flags, int th, int tw, int tile0, int tiles, int rows, int columns, int n0, int count)
{
    int item = (int)get_global_id(0), r = item / count, k = item - r * count;
    if (r >= tiles) return;
    int tile = tile0 + r, tx = tile % tw, ty = tile / tw % th, image = tile / (tw * th), channel = n0 + k;
    float half_way[TILE * ALPHA], pixels[TILE * TILE];
    size_t point = (size_t)rows * (size_t)columns;
    m += mo + (size_t)r * (size_t)columns + (size_t)k;
#pragma unroll
    for (int i = 0; i < ALPHA; i++) {
        float column[ALPHA];
#pragma unroll
        for (int j = 0; j < ALPHA; j++) column[j] = m[(size_t)(j * ALPHA + i) * point];
        winograd_output_1d(half_way + i, ALPHA, column, 1);
    }
    epilogue e = {bias + bo, row + ro + (size_t)image * (size_t)ldrow, (flags & (HAS_BIAS | HAS_ROW)) | ACT << ACT_SHIFT, n};
#pragma unroll
    for (int i = 0; i < TILE; i++) {
        winograd_output_1d(pixels + i * TILE, 1, half_way + i * ALPHA, 1);
#pragma unroll
        for (int j = 0; j < TILE; j++) pixels[i * TILE + j] = finish_1(pixels[i * TILE + j], &e, channel);
    }
    size_t first = ((size_t)image * (size_t)oh + (size_t)(ty * TILE)) * (size_t)ow + (size_t)(tx * TILE);
    y += yo + first * (size_t)ldy + (size_t)channel;
    residual += so + first * (size_t)ldr + (size_t)channel;
#pragma unroll
    for (int i = 0; i < TILE; i++)
#pragma unroll
        for (int j = 0; j < TILE; j++) {
            if (ty * TILE + i >= oh || tx * TILE + j >= ow) continue;
            float v = pixels[i * TILE + j];
            if (flags & HAS_RESIDUAL) v += LOADY(residual, (i * ow + j) * ldr);
            STOREY(v, y, (i * ow + j) * ldy);
        }
}
