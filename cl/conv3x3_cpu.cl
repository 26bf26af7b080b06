/* SPDX-License-Identifier: MIT */
#include "store_cpu.h"

/* y (n, oh, ow, N) = epilogue(3x3 convolution of x (n, h, w, C)): implicit GEMM over 9 taps of C values, nothing is unfolded.
 *   up: x is seen as (uh, uw) by nearest-neighbour upsampling (uh = h, uw = w: as it is)
 *   pad: rows and columns of zeros above and on the left; whatever lies outside reads as zero
 *   weights: panels [ceil(N/NR)][9][C][NR]    zeros: at least C zeros    the rest: gemm_cpu.cl
 *   launch: as gemm_cpu, rows being output pixels */
typedef struct conv_scalars {
    ulong y, x, w, bias, row, residual; /* where they begin */
    int images, h, width, c, uh, uw, oh, ow, stride, pad, n, ldx, ldy, ldr, ldrow, flags, rb, pb;
} conv_scalars;

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv3x3_cpu(__global YTYPE *y, __global const XTYPE *x, __global const WTYPE *wt, __global const float *bias, __global const float *row,
                 __global const YTYPE *residual, __global const XTYPE *zeros, conv_scalars s)
{
    int h = s.h, w = s.width, c = s.c, uh = s.uh, uw = s.uw, oh = s.oh, ow = s.ow, n = s.n, ldx = s.ldx, flags = s.flags, rb = s.rb, pb = s.pb;
    float16 sums[PB * RB * NV];
    float wide[MR * WIDE];
#if WT == F16
    float block[KC * NR];
#endif
    int pixel[9 * RB]; /* input pixel of (tap, row), -1: outside */
    int m = s.images * oh * ow;
    int panels = (n + NR - 1) / NR, p0 = (int)get_group_id(0) * pb, r0 = (int)get_group_id(1) * rb;
    int p1 = min(p0 + pb, panels), r1 = min(r0 + rb, m);
    y += s.y;
    x += s.x;
    wt += s.w;
    bias += s.bias;
    row += s.row;
    residual += s.residual;
    for (int r = r0; r < r1; r++) {
        int ox = r % ow, oy = r / ow % oh, image = r / (ow * oh);
        for (int t = 0; t < 9; t++) {
            int iy = oy * s.stride + t / 3 - s.pad, ix = ox * s.stride + t % 3 - s.pad;
            int inside = iy >= 0 && iy < uh && ix >= 0 && ix < uw;
            if (uh != h) iy = (int)((long)iy * h / uh);
            if (uw != w) ix = (int)((long)ix * w / uw);
            pixel[t * RB + r - r0] = inside ? (image * h + iy) * w + ix : -1;
        }
    }
    for (int t = 0; t < 9; t++)
        for (int k0 = 0; k0 < c; k0 += KC) {
            int kc = min(KC, c - k0);
            for (int p = p0; p < p1; p++) {
                __global const WTYPE *source = wt + (((size_t)p * 9 + (size_t)t) * (size_t)c + (size_t)k0) * NR;
#if WT == F16
                if (r1 - r0 <= MR) {
                    for (int r = r0; r < r1; r += FEW) {
                        row_ptr a[FEW];
#pragma unroll
                        for (int i = 0; i < FEW; i++) {
                            int q = pixel[t * RB + min(r + i, r1 - 1) - r0];
                            a[i] = row_of(wide + i * WIDE, q < 0 ? zeros : x + (size_t)q * (size_t)ldx + k0, kc);
                        }
                        tile_few(sums + ((p - p0) * RB + (r - r0)) * NV, a, source, kc, t == 0 && k0 == 0);
                    }
                    continue;
                }
                widen(block, source, kc);
                panel_ptr b = block;
#else
                panel_ptr b = source;
#endif
                for (int r = r0; r < r1; r += MR) {
                    row_ptr a[MR];
#pragma unroll
                    for (int i = 0; i < MR; i++) {
                        int q = pixel[t * RB + min(r + i, r1 - 1) - r0];
                        a[i] = row_of(wide + i * WIDE, q < 0 ? zeros : x + (size_t)q * (size_t)ldx + k0, kc);
                    }
                    tile(sums + ((p - p0) * RB + (r - r0)) * NV, a, b, kc, t == 0 && k0 == 0);
                }
            }
        }
    epilogue e = {bias, row, flags, n};
    store_block(sums, r0, r1, p0, p1, y, s.ldy, residual, s.ldr, row, s.ldrow, oh * ow, &e);
}
