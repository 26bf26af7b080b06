/* SPDX-License-Identifier: MIT */
/* Which matrix instructions of an x86 CPU a kernel multiplies pairs of bf16 with: -DENGINE. host/ops/x86_matrix.h has the same numbers.
 *   DOT: AVX512-BF16, 16 dot products of pairs    AMX: tiles of 16 x 16    PLAIN, AMX_PLAIN: operands and layouts of either, without such instructions
 * PoCL compiles for a CPU without them: they stand in functions of their own target, never inlined, each of which
 * begins a line with MATRIX, and in those that they inline, INLINE MATRIX_TARGET. */
#define ENGINE_PLAIN 0
#define ENGINE_AMX_PLAIN 1
#define ENGINE_DOT 2
#define ENGINE_AMX 3

#if ENGINE == ENGINE_AMX
#define MATRIX_TARGET __attribute__((target("amx-tile,amx-bf16,avx512bw,avx512bf16")))
#elif ENGINE == ENGINE_DOT
#define MATRIX_TARGET __attribute__((target("avx512bw,avx512bf16")))
#else
#define MATRIX_TARGET
#endif
#if ENGINE == ENGINE_PLAIN
#define MATRIX INLINE
#else
#define MATRIX __attribute__((noinline)) MATRIX_TARGET
#endif

/* 16 sums += products of both halves of 16 pairs with those of one. */
#if ENGINE == ENGINE_DOT || ENGINE == ENGINE_AMX
#define DOT(sums, pairs, pair) __builtin_ia32_dpbf16ps_512(sums, as_int16(pairs), (int16)((int)(pair)))
#else
#define DOT(sums, pairs, pair) \
    fma(as_float16((pairs) & 0xffff0000), (float16)(as_float((pair) & 0xffff0000)), \
        fma(as_float16((pairs) << 16), (float16)(as_float((pair) << 16)), sums))
#endif

/* The bits of 16 values in bf16: as to_bf16. */
INLINE ushort16 to_bf16_16(float16 v)
{
    uint16 u = as_uint16(v);
    return convert_ushort16(select((u + 0x7fff + (u >> 16 & 1)) >> 16, u >> 16 | 0x40, isnan(v)));
}

#if ENGINE == ENGINE_AMX || ENGINE == ENGINE_AMX_PLAIN
#define TILES 1
#include "amx.h"

/* Palette 1: eight tiles of 16 rows of 64 bytes. */
MATRIX void tiles_on(amx *t)
{
    uchar c[64];
    for (int i = 0; i < 64; i++) c[i] = 0;
    c[0] = 1;
    for (int i = 0; i < 8; i++) {
        c[16 + 2 * i] = 64;
        c[48 + i] = 16;
    }
    AMX_CONFIGURE(t, c);
}
MATRIX void tiles_off(amx *t) { AMX_RELEASE(t); }
#else
#define TILES 0
typedef int amx;
#endif
