/* SPDX-License-Identifier: MIT */
#undef WT
#define WT F32 /* not read: weights are pairs of bf16 */
#define NV 1
#include "tile_cpu.h"
#include "matrix_cpu.h"

/* y (n, oh, ow, N) = epilogue(3x3 convolution of x (n, h, w, C)) with products of bf16 and sums of f32, by an x86 CPU's matrix instructions (cl/x86_matrix.h).
 *   up, pad: conv3x3_cpu.cl    norm: per image C scales, then C shifts of the input, where normed; then its SiLU, where silu
 *   w: pairs [panels of 16 columns][9][ceil(C/32)][16 pairs of channels][16 columns][2], bf16, zero padded
 * An item computes bh rows by bw columns of bi images and pb panels. What they see of the input is rounded once for every KC channels, into private planes of
 * pixels, pw to a line: as it is with stride 1; with stride 2 four of them, of even and odd lines and columns. So neighbours in y see neighbours in a plane,
 * and a tap is a shift. Register tiles are TP pixels in a row of a plane: of a line of y each; or (flat, bw = ow) all lines on end, a pixel of padding apart
 * that serves both.
 *   launch: dimension 0 blocks of panels, 1 blocks of columns, of rows, of images    no more than RB pixels, in whole tiles, and AREA of planes
 *   tune: MR pixels by NP panels of a register tile (AMX: 32, of two tiles, by 2), RB, PB (a multiple of NP), KC (a multiple of 32) */
#define TP (TILES ? 16 : MR)
#define AREA (8 * RB + 128)

typedef struct conv_matrix_scalars {
    ulong y, x, w, bias, row, residual, norm; /* where they begin */
    int images, h, width, c, uh, uw, oh, ow, stride, pad, n, ldx, ldy, ldr, ldrow, flags, normed, silu, bw, bh, bi, pw, flat, pb;
} conv_matrix_scalars;

/* n channels of a pixel, normalised and rounded; zeros up to `padded`. */
MATRIX void round_normed(ushort *to, __global const XTYPE *from, __global const float *scale, __global const float *shift, int silu, int n, int padded)
{
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        float16 v = fma(LOADX16(from, i), vload16(0, scale + i), vload16(0, shift + i));
        if (silu) v = silu_16(v);
        vstore16(to_bf16_16(v), 0, to + i);
    }
    for (; i < padded; i++) {
        float v = i < n ? fma((float)LOADX(from, i), scale[i], shift[i]) : 0.0f;
        to[i] = to_bf16(silu ? silu_1(v) : v);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv3x3_matrix_cpu(__global YTYPE *y, __global const XTYPE *x, __global const uint *w, __global const float *bias, __global const float *row,
                 __global const YTYPE *residual, __global const float *norm, conv_matrix_scalars s)
{
    float16 sums[PB * RB];
    uint planes[AREA * KC / 2];
    int first[RB / TP + 1]; /* pixel of a plane that a register tile begins with; one more makes them even */
    int c = s.c, pw = s.pw, stride = s.stride, panels = (s.n + 15) / 16, p0 = (int)get_group_id(0) * s.pb, last = min(s.pb, panels - p0);
    int wide = (s.ow + s.bw - 1) / s.bw, high = (s.oh + s.bh - 1) / s.bh, block = (int)get_group_id(1);
    int x0 = block % wide * s.bw, y0 = block / wide % high * s.bh, image0 = block / (wide * high) * s.bi;
    int columns = min(s.bw, s.ow - x0), lines = min(s.bh, s.oh - y0), images = min(s.bi, s.images - image0);
    int line_tiles = (columns + TP - 1) / TP, tiles = s.flat ? ((lines - 1) * pw + columns + TP - 1) / TP : lines * line_tiles; /* of an image */
    int plane_lines = lines + (stride == 1 ? 2 : 1), image_area = plane_lines * pw, area = image_area * images;
    size_t tap_pairs = (size_t)((c + 31) / 32) * 256, panel = 9 * tap_pairs;
    int chunks = (c + KC - 1) / KC, chunk = ((c + 31) / 32 + chunks - 1) / chunks * 32; /* channels at a time, all about as many */
    amx state;
    w += s.w + (size_t)p0 * panel;
    x += s.x;
    norm += s.norm;
    for (int i = 0; i < images; i++)
        for (int t = 0; t < tiles; t++)
            first[i * tiles + t] = i * image_area + (s.flat ? t * TP : t / line_tiles * pw + t % line_tiles * TP);
    first[images * tiles] = 0;
    for (int p = 0; p < (last + NP - 1) / NP * NP; p++)
        for (int i = 0; i < (TILES ? (images * tiles + 1) / 2 * 2 : images * tiles) * TP; i++) sums[p * RB + i] = 0.0f;
#if TILES
    tiles_on(&state);
#endif
    for (int k0 = 0; k0 < c; k0 += chunk) {
        int kc = min(chunk, c - k0), padded = (kc + 31) / 32 * 32;
        for (int plane = 0; plane < stride * stride; plane++)
            for (int i = 0; i < images * plane_lines; i++) {
                int image = image0 + i / plane_lines, iy = (y0 + i % plane_lines) * stride + plane / stride - s.pad;
                ushort *to = (ushort *)(planes + (plane * area + i * pw) * (KC / 2));
                __global const float *scale = norm + (size_t)image * 2 * (size_t)c + k0;
                int within = iy >= 0 && iy < s.uh;
                if (s.uh != s.h) iy = (int)((long)iy * s.h / s.uh);
                for (int j = 0; j < pw; j++, to += KC) {
                    int ix = (x0 + j) * stride + plane % stride - s.pad;
                    if (!within || ix < 0 || ix >= s.uw) {
                        for (int k = 0; k < padded; k++) to[k] = 0;
                        continue;
                    }
                    if (s.uw != s.width) ix = (int)((long)ix * s.width / s.uw);
                    __global const XTYPE *from = x + ((size_t)(image * s.h + iy) * (size_t)s.width + (size_t)ix) * (size_t)s.ldx + k0;
                    if (s.normed) round_normed(to, from, scale, scale + c, s.silu, kc, padded);
                    else round_row(to, from, kc, padded);
                }
            }
        for (int i = stride * stride * area * (KC / 2); i < (stride * stride * area + TP + 2) * (KC / 2); i++) planes[i] = 0; /* read, for no output */
        for (int p = 0; p < last; p += NP)
            for (int tap = 0; tap < 9; tap++) {
                int ty = tap / 3, tx = tap % 3;
                const uint *shifted = planes + (stride == 1 ? ty * pw + tx : (ty % 2 * 2 + tx % 2) * area + ty / 2 * pw + tx / 2) * (KC / 2);
                __global const uint *b = w + (size_t)p * panel + (size_t)tap * tap_pairs + (size_t)k0 * 8;
                for (int t = 0; t < images * tiles; t += TILES ? 2 : 1)
                    multiply_tile(&state, sums + p * RB + t * TP, shifted + first[t] * (KC / 2), shifted + first[t + 1] * (KC / 2), b, panel, last - p,
                                  padded / 2);
            }
    }
#if TILES
    tiles_off(&state);
#endif
    epilogue e = {bias + s.bias, row + s.row, s.flags, s.n};
    for (int t = 0; t < images * tiles; t++)
        for (int i = 0; i < TP; i++) {
            int image = image0 + t / tiles, u = t % tiles;
            int oy = s.flat ? (u * TP + i) / pw : u / line_tiles, ox = s.flat ? (u * TP + i) % pw : u % line_tiles * TP + i;
            if (ox >= columns || oy >= lines) continue;
            size_t at = (size_t)(image * s.oh + y0 + oy) * (size_t)s.ow + (size_t)(x0 + ox);
            e.row = row + s.row + (size_t)image * (size_t)s.ldrow;
            for (int p = 0; p < last; p++)
                store_columns((const float *)(sums + p * RB + t * TP + i), (const float *)sums, 16, y + s.y + at * (size_t)s.ldy,
                              residual + s.residual + at * (size_t)s.ldr, &e, (p0 + p) * 16);
        }
}
