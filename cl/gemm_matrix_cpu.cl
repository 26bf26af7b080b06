/* SPDX-License-Identifier: MIT */
#undef WT
#define WT F32 /* not read: weights are pairs of bf16 */
#define NV 1
#include "tile_cpu.h"

/* y (M, N) = epilogue(x (M, K) * w^T) with products of bf16 and sums of f32, by an x86 CPU's matrix instructions: -DENGINE=ENGINE_DOT (AVX512-BF16) or
 * ENGINE_AMX (tiles of 16 x 16); ENGINE_PLAIN does the same without. Which of them a device runs, and which is fastest, host/ops/x86_matrix.c finds out.
 *   x: rounded to bf16 block by block    w: pairs [panels of 16 columns][ceil(K/32)][16 pairs of k][16 columns][2], bf16, zero padded    the rest: gemm_cpu.cl
 *   launch: one work-item per block of rb rows (<= RB, a multiple of MR) and pb panels of 16 columns (<= PB, a multiple of NP, even with GEGLU)
 *   tune: MR rows by NP panels of a register tile (AMX: 32 by 2), RB, PB, KC (a multiple of 32)
 * PoCL compiles for a CPU without these instructions: they stand in functions of their own target, never inlined. */
#define ENGINE_PLAIN 0
#define ENGINE_DOT 1
#define ENGINE_AMX 2

#if ENGINE == ENGINE_AMX
#define MATRIX __attribute__((noinline, target("amx-tile,amx-bf16,avx512f,avx512bf16")))
#define POINTER(x) ((void *)(size_t)(x)) /* the builtins take private pointers; on a CPU all address spaces are one */
/* Palette 1: eight tiles of 16 rows of 64 bytes. */
MATRIX void tiles_on(void)
{
    uchar c[64];
    for (int i = 0; i < 64; i++) c[i] = 0;
    c[0] = 1;
    for (int i = 0; i < 8; i++) {
        c[16 + 2 * i] = 64;
        c[48 + i] = 16;
    }
    __builtin_ia32_tile_loadconfig(c);
}
MATRIX void tiles_off(void) { __builtin_ia32_tilerelease(); }

/* sums of two panels (RB rows of 16 each) += 32 rows a of pairs (row stride KC / 2 pairs) times blocks of 32 k of panels b0, b1. */
MATRIX void multiply_tile(float *s0, float *s1, const uint *a, __global const uint *b0, __global const uint *b1, int blocks)
{
    __builtin_ia32_tileloadd64(0, s0, 64);
    __builtin_ia32_tileloadd64(1, s1, 64);
    __builtin_ia32_tileloadd64(2, s0 + 256, 64);
    __builtin_ia32_tileloadd64(3, s1 + 256, 64);
    for (int k = 0; k < blocks; k++, a += 16, b0 += 256, b1 += 256) {
        __builtin_ia32_tileloadd64(6, POINTER(b0), 64);
        __builtin_ia32_tileloadd64(4, POINTER(a), 2 * KC);
        __builtin_ia32_tdpbf16ps(0, 4, 6);
        __builtin_ia32_tileloadd64(7, POINTER(b1), 64);
        __builtin_ia32_tdpbf16ps(1, 4, 7);
        __builtin_ia32_tileloadd64(5, POINTER(a + 8 * KC), 2 * KC);
        __builtin_ia32_tdpbf16ps(2, 5, 6);
        __builtin_ia32_tdpbf16ps(3, 5, 7);
    }
    __builtin_ia32_tilestored64(0, s0, 64);
    __builtin_ia32_tilestored64(1, s1, 64);
    __builtin_ia32_tilestored64(2, s0 + 256, 64);
    __builtin_ia32_tilestored64(3, s1 + 256, 64);
}
#elif ENGINE == ENGINE_DOT
#define MATRIX __attribute__((noinline, target("avx512f,avx512bf16")))
/* sums[NP][RB] (+)= MR rows a of pairs (row stride KC / 2) times `pairs` pairs of NP panels, which are `panel` pairs apart; of those there are `left`. */
MATRIX void multiply_tile(float16 *sums, const uint *a, __global const uint *b, size_t panel, int left, int pairs)
{
    float16 c[MR][NP];
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NP; j++) c[i][j] = sums[j * RB + i];
    for (int k = 0; k < pairs; k++) {
        int16 w[NP];
#pragma unroll
        for (int j = 0; j < NP; j++) w[j] = as_int16(vload16((size_t)k, b + (size_t)min(j, left - 1) * panel));
#pragma unroll
        for (int i = 0; i < MR; i++) {
            int16 x = (int16)((int)a[i * (KC / 2) + k]);
#pragma unroll
            for (int j = 0; j < NP; j++) c[i][j] = __builtin_ia32_dpbf16ps_512(c[i][j], x, w[j]);
        }
    }
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NP; j++) sums[j * RB + i] = c[i][j];
}
#else
#define MATRIX INLINE
MATRIX void multiply_tile(float16 *sums, const uint *a, __global const uint *b, size_t panel, int left, int pairs)
{
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NP; j++) {
            float16 c = sums[j * RB + i];
            for (int k = 0; k < pairs; k++) {
                uint x = a[i * (KC / 2) + k];
                uint16 w = vload16((size_t)k, b + (size_t)min(j, left - 1) * panel);
                c = fma((float16)(as_float(x << 16)), as_float16(w << 16), c);
                c = fma((float16)(as_float(x & 0xffff0000)), as_float16(w & 0xffff0000), c);
            }
            sums[j * RB + i] = c;
        }
}
#endif

#if ENGINE != ENGINE_PLAIN
typedef __attribute__((__vector_size__(64), aligned(4))) short bf16x32;
#endif
/* n values to bf16; zeros up to `padded`. */
MATRIX void round_row(ushort *to, __global const XTYPE *from, int n, int padded)
{
    int i = 0;
#if ENGINE != ENGINE_PLAIN
    for (; i + 32 <= n; i += 32) *(bf16x32 *)(to + i) = __builtin_ia32_cvtne2ps2bf16_512(LOADX16(from, i + 16), LOADX16(from, i));
#endif
    for (; i < padded; i++) to[i] = i < n ? to_bf16(LOADX(from, i)) : (ushort)0;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_matrix_cpu(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const uint *w, ulong wo, __global const float *bias,
                 ulong bo, __global const float *row, ulong ro, __global const YTYPE *residual, ulong so, int m, int n, int k, int ldx,
                 int ldy, int ldr, int ldrow, int image, int flags, int rb, int pb)
{
    float16 sums[PB * RB];
    uint rows[RB * KC / 2];
    int panels = flags & IS_GEGLU ? (n / 2 + 15) / 16 * 2 : (n + 15) / 16, p0 = (int)get_group_id(0) * pb, r0 = (int)get_group_id(1) * rb;
    int count = min(rb, m - r0), last = min(pb, panels - p0), whole = (count + MR - 1) / MR * MR;
    size_t panel = (size_t)((k + 31) / 32) * 256; /* pairs of a panel */
    y += yo;
    x += xo;
    w += wo + (size_t)p0 * panel;
    for (int i = 0; i < PB * RB; i++) sums[i] = 0.0f;
    for (int i = count * (KC / 2); i < whole * (KC / 2); i++) rows[i] = 0;
#if ENGINE == ENGINE_AMX
    tiles_on();
#endif
    for (int k0 = 0; k0 < k; k0 += KC) {
        int kc = min(KC, k - k0), blocks = (kc + 31) / 32;
        for (int r = 0; r < count; r++) {
            __global const XTYPE *from = x + (size_t)(r0 + r) * (size_t)ldx + k0;
            ushort *to = (ushort *)(rows + r * (KC / 2));
            round_row(to, from, kc, blocks * 32);
        }
        for (int p = 0; p < last; p += NP) {
            __global const uint *b = w + (size_t)p * panel + (size_t)k0 * 8;
            int left = last - p; /* a tile of fewer than NP panels repeats its last */
            for (int r = 0; r < whole; r += MR) {
#if ENGINE == ENGINE_AMX
                multiply_tile((float *)(sums + p * RB + r), (float *)(sums + (p + 1) * RB + r), rows + r * (KC / 2), b, left > 1 ? b + panel : b, blocks);
#else
                multiply_tile(sums + p * RB + r, rows + r * (KC / 2), b, panel, left, blocks * 16);
#endif
            }
        }
    }
#if ENGINE == ENGINE_AMX
    tiles_off();
#endif
    epilogue e = {bias + bo, row + ro, flags, flags & IS_GEGLU ? n / 2 : n};
    int step = flags & IS_GEGLU ? 2 : 1; /* a panel of values, then one of their gates */
    for (int r = 0; r < count; r++) {
        size_t at = (size_t)(r0 + r);
        e.row = row + ro + (size_t)((r0 + r) / image) * (size_t)ldrow;
        for (int p = 0; p < last; p += step)
            store_columns((const float *)(sums + p * RB + r), (const float *)(sums + (p + 1) * RB + r), 16, y + at * (size_t)ldy,
                          residual + so + at * (size_t)ldr, &e, (p0 + p) / step * 16);
    }
}
