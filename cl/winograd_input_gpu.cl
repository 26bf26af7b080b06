/* SPDX-License-Identifier: MIT */
#include "common.h"

#define VT float
#include "winograd.h"

/* v = B^T x B of tiles of a 3x3 convolution with padding 1: of the launches of cl/winograd_gpu.cl, the first.
 *   x, norm: as in winograd_input_cpu.cl; what happens to x is compiled in: NORM 0: nothing; 1: x * norm[0] + norm[1]; 2: and SiLU
 *   tile0, tiles: which of the step's tiles, in order (image, tile row, tile); th, tw: tile rows of an image, tiles of a row
 *   v [POINTS][rows][padded]: a row a tile, zeros after `tiles` of them and after c channels
 *   launch: groups of WG items, one per row and channel, channels fastest */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void winograd_input_gpu(__global float *v, ulong vo, __global const XTYPE *x, ulong xo, __global const float *norm, ulong no, int h, int w, int c,
                        int uh, int uw, int ldx, int th, int tw, int tile0, int tiles, int rows, int padded)
{
    int item = (int)get_global_id(0), r = item / padded, k = item - r * padded, exists = r < tiles && k < c;
    if (r >= rows) return;
    int tile = tile0 + (exists ? r : 0), channel = exists ? k : 0;
    int tx = tile % tw, ty = tile / tw % th, image = tile / (tw * th);
    int column[ALPHA], inside_x[ALPHA], inside_y[ALPHA];
    __global const XTYPE *line[ALPHA];
    float half_way[ALPHA * ALPHA], points[ALPHA]; /* B^T x: column of the window, point */
    x += xo + (size_t)image * (size_t)h * (size_t)w * (size_t)ldx + (size_t)channel;
    /* What lies outside is read at 0 and thrown away: loads that no branch holds up. */
#pragma unroll
    for (int i = 0; i < ALPHA; i++) {
        int iy = ty * TILE + i - 1, ix = tx * TILE + i - 1;
        inside_y[i] = exists && iy >= 0 && iy < uh;
        inside_x[i] = ix >= 0 && ix < uw;
        iy = inside_y[i] ? iy : 0;
        ix = inside_x[i] ? ix : 0;
        if (uh != h) iy = (int)((uint)iy * (uint)h / (uint)uh);
        if (uw != w) ix = (int)((uint)ix * (uint)w / (uint)uw);
        line[i] = x + (size_t)iy * (size_t)w * (size_t)ldx;
        column[i] = ix * ldx;
    }
#if NORM
    norm += no + (size_t)image * 2 * (size_t)c;
    float scale = norm[channel], shift = norm[c + channel];
#endif
#pragma unroll
    for (int j = 0; j < ALPHA; j++) {
        float d[ALPHA];
#pragma unroll
        for (int i = 0; i < ALPHA; i++) {
            d[i] = LOADX(line[i], column[j]);
#if NORM
            d[i] = fma(d[i], scale, shift);
#endif
#if NORM == 2
            d[i] = SILU(d[i]);
#endif
            d[i] = inside_y[i] && inside_x[j] ? d[i] : 0.0f;
        }
        winograd_input_1d(half_way + j * ALPHA, 1, d, 1);
    }
    v += vo + (size_t)item;
#pragma unroll
    for (int i = 0; i < ALPHA; i++) {
        winograd_input_1d(points, 1, half_way + i, ALPHA);
#pragma unroll
        for (int j = 0; j < ALPHA; j++) v[(size_t)(i * ALPHA + j) * (size_t)rows * (size_t)padded] = points[j];
    }
}
