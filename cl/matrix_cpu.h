/* SPDX-License-Identifier: MIT */
/* The register tile of GEMM and convolution by an x86 CPU's matrix instructions: sums of f32 of products of bf16. Rows are pairs of bf16 in private memory,
 * KC / 2 from row to row; weights are panels of pairs [pairs][16 columns][2].
 *   tunables: MR rows by NP panels (with TILES: 32 by 2), RB rows of a cache block, KC */
#include "x86_matrix.h"

#if TILES
/* sums[2][RB] += 16 rows a and 16 rows a2 times 2 panels, which are `panel` pairs apart; of those there are `left`. Two loads of each operand for four
 * products: a load takes half of the time of a product, so that all of them hide behind those. */
MATRIX void multiply_tile(amx *t, float16 *sums, const uint *a, const uint *a2, __global const uint *b, size_t panel, int left, int pairs)
{
    __global const uint *b2 = left > 1 ? b + panel : b;
    AMX_LOAD(t, 0, sums, 64);
    AMX_LOAD(t, 1, sums + RB, 64);
    AMX_LOAD(t, 2, sums + 16, 64);
    AMX_LOAD(t, 3, sums + RB + 16, 64);
    for (int k = 0; k < pairs; k += 16, a += 16, a2 += 16, b += 256, b2 += 256) {
        AMX_LOAD_GLOBAL(t, 6, b, 64);
        AMX_LOAD(t, 4, a, 2 * KC);
        AMX_DOT(t, 0, 4, 6);
        AMX_LOAD_GLOBAL(t, 7, b2, 64);
        AMX_DOT(t, 1, 4, 7);
        AMX_LOAD(t, 5, a2, 2 * KC);
        AMX_DOT(t, 2, 5, 6);
        AMX_DOT(t, 3, 5, 7);
    }
    AMX_STORE(t, 0, sums, 64);
    AMX_STORE(t, 1, sums + RB, 64);
    AMX_STORE(t, 2, sums + 16, 64);
    AMX_STORE(t, 3, sums + RB + 16, 64);
}
#else
/* sums[NP][RB] += MR rows a times `pairs` pairs of NP panels, which are `panel` pairs apart; of those there are `left`. */
MATRIX void multiply_tile(amx *t, float16 *sums, const uint *a, const uint *a2, __global const uint *b, size_t panel, int left, int pairs)
{
    float16 c[MR][NP];
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NP; j++) c[i][j] = sums[j * RB + i];
    for (int k = 0; k < pairs; k++) {
        uint16 w[NP];
#pragma unroll
        for (int j = 0; j < NP; j++) w[j] = vload16((size_t)k, b + (size_t)min(j, left - 1) * panel);
#pragma unroll
        for (int i = 0; i < MR; i++)
#pragma unroll
            for (int j = 0; j < NP; j++) c[i][j] = DOT(c[i][j], w[j], a[i * (KC / 2) + k]);
    }
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NP; j++) sums[j * RB + i] = c[i][j];
}
#endif

#if ENGINE == ENGINE_DOT || ENGINE == ENGINE_AMX
typedef __attribute__((__vector_size__(64), aligned(4))) short bf16x32;
#endif
/* n values to bf16; zeros up to `padded`. */
MATRIX void round_row(ushort *to, __global const XTYPE *from, int n, int padded)
{
    int i = 0;
#if ENGINE == ENGINE_DOT || ENGINE == ENGINE_AMX
    for (; i + 32 <= n; i += 32) *(bf16x32 *)(to + i) = __builtin_ia32_cvtne2ps2bf16_512(LOADX16(from, i + 16), LOADX16(from, i));
#else
    for (; i + 16 <= n; i += 16) vstore16(to_bf16_16(LOADX16(from, i)), 0, to + i);
#endif
    for (; i < padded; i++) to[i] = i < n ? to_bf16(LOADX(from, i)) : (ushort)0;
}
