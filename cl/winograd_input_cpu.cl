/* SPDX-License-Identifier: MIT */
#include "common.h"

#define VT float16
#include "winograd.h"

/* n of 16 channels, zeros after them. */
INLINE float16 some_of_row(__global const XTYPE *x, size_t offset, int n)
{
    float v[16];
    for (int e = 0; e < 16; e++) v[e] = e < n ? LOADX(x, offset + (size_t)e) : 0.0f;
    return vload16(0, v);
}
INLINE float16 some_of_norm(__global const float *norm, int n)
{
    float v[16];
    for (int e = 0; e < 16; e++) v[e] = e < n ? norm[e] : 0.0f;
    return vload16(0, v);
}

/* v = B^T x B of every tile of a 3x3 convolution with padding 1: the first of the two launches of cl/winograd_cpu.cl.
 *   x (n, h, w, c), row stride ldx, seen as (uh, uw) by nearest-neighbour upsampling; normed: replaced by x * norm[0] + norm[1] per image and channel,
 *   silu: and then by its SiLU; zero outside, whatever the normalisation
 *   tiles: TILE x TILE outputs each, in order (image, tile row, tile); th, tw: tile rows of an image, tiles of a row
 *   v [blocks of `block` tiles][ceil(c/KC)][POINTS][V_STEP: block x KC, and a gap], zero filled beyond c
 *   launch: dimension 0 tile rows from row0 on, 1 groups of CB channels */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_input_cpu(__global float *v, ulong vo, __global const XTYPE *x, ulong xo, __global const float *norm, ulong no, int h, int w, int c,
                    int uh, int uw, int ldx, int th, int tw, int row0, int block, int normed, int silu)
{
    int line = (int)get_global_id(0), ty = (row0 + line) % th, image = (row0 + line) / th;
    int first = (int)get_global_id(1) * CB, slabs = (c + KC - 1) / KC, groups = (min(first + CB, slabs * KC) - first) / 16;
    int edge = ty == 0 || ty * TILE + ALPHA - 1 > uh; /* rows of the window lie outside */
    __global const XTYPE *source[ALPHA]; /* input rows; of what lies outside, one that exists */
    int keep[ALPHA];                     /* every bit, or none outside */
    float16 columns[CB / 16][ALPHA][ALPHA]; /* B^T x: group, column of the window, point */
    for (int i = 0; i < ALPHA; i++) {
        int y = ty * TILE + i - 1, inside = y >= 0 && y < uh;
        keep[i] = -inside;
        source[i] = x + xo + ((size_t)image * (size_t)h + (size_t)(inside ? (uh == h ? y : (int)((long)y * h / uh)) : 0)) * (size_t)w * (size_t)ldx;
    }
    norm += no + (size_t)image * 2 * (size_t)c;
    v += vo;
    for (int tx = 0; tx < tw; tx++) {
        int tile = line * tw + tx;
        __global float *at_tile = v + (size_t)(tile / block) * (size_t)slabs * POINTS * (size_t)V_STEP(block) + (size_t)(tile % block) * KC;
        for (int g = 0; g < groups; g++) {
            int k = first + 16 * g, left = min(16, c - k); /* left < 1: padding */
            float16 scale = 1.0f, shift = 0.0f;
            if (normed) {
                scale = left == 16 ? vload16(0, norm + k) : some_of_norm(norm + k, left);
                shift = left == 16 ? vload16(0, norm + c + k) : some_of_norm(norm + c + k, left);
            }
            if (tx) {
#pragma unroll
                for (int i = 0; i < ALPHA; i++) {
                    columns[g][0][i] = columns[g][TILE][i];
                    columns[g][1][i] = columns[g][TILE + 1][i];
                }
            }
            for (int j = tx ? 2 : 0; j < ALPHA; j++) {
                int at = tx * TILE + j - 1;
                if (at < 0 || at >= uw) {
#pragma unroll
                    for (int i = 0; i < ALPHA; i++) columns[g][j][i] = 0.0f;
                    continue;
                }
                size_t offset = (size_t)(uw == w ? at : (int)((long)at * w / uw)) * (size_t)ldx + (size_t)k;
                float16 d[ALPHA];
                if (left == 16) {
#pragma unroll
                    for (int i = 0; i < ALPHA; i++) d[i] = LOADX16(source[i], offset);
                } else {
#pragma unroll
                    for (int i = 0; i < ALPHA; i++) d[i] = some_of_row(source[i], offset, left);
                }
                if (normed) {
#pragma unroll
                    for (int i = 0; i < ALPHA; i++) d[i] = fma(d[i], scale, shift);
                }
                if (silu) {
#pragma unroll
                    for (int i = 0; i < ALPHA; i++) d[i] = silu_16(d[i]);
                }
                if (edge) {
#pragma unroll
                    for (int i = 0; i < ALPHA; i++) d[i] = as_float16(as_int16(d[i]) & keep[i]);
                }
                winograd_input_1d(columns[g][j], 1, d, 1);
            }
            __global float *to = at_tile + (size_t)(k / KC) * POINTS * (size_t)V_STEP(block) + (size_t)(k % KC);
#pragma unroll
            for (int i = 0; i < ALPHA; i++) {
                float16 p[ALPHA];
                winograd_input_1d(p, 1, &columns[g][0][i], ALPHA);
#pragma unroll
                for (int j = 0; j < ALPHA; j++) STORE16_1(p[j], to, (i * ALPHA + j) * V_STEP(block));
            }
        }
    }
}
