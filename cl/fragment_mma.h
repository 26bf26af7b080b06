/* SPDX-License-Identifier: MIT */
/* NVIDIA mma.sync, f16 products and f32 sums, a warp: m16n8k16 (compute capability 8.0), or two of m16n8k8 (7.5) for the same fragments.
 * Layout: PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type" and "... mma.m16n8k8 ...". groupID is lane / 4, threadID_in_group lane % 4. */
#define FRAGMENT_M 16
#define FRAGMENT_N 8
#define FRAGMENT_K 16
#define LANES 32
#define A_WORDS 4
#define B_WORDS 2
#define SUMS 4
#define RUN 2 /* sums e and e + 1 of an item, e even, are neighbours in a row */
#define SUM_ROW(lane, s) ((lane) / 4 + (s) / 2 * 8)
#define SUM_COLUMN(lane, s) ((lane) % 4 * 2 + (s) % 2)

INLINE void load_a(uint a[A_WORDS], __local const uint *as, int lane)
{
    __local const uint *from = as + lane / 4 * LDA + lane % 4;
    a[0] = from[0];
    a[1] = from[8 * LDA];
    a[2] = from[4];
    a[3] = from[8 * LDA + 4];
}

INLINE void load_b(uint b[B_WORDS], __local const uint *bs, int lane)
{
    __local const uint *from = bs + lane % 4 * LDB + lane / 4;
    b[0] = from[0];
    b[1] = from[4 * LDB];
}

#if ENGINE == ENGINE_MMA
INLINE void multiply_add(float *d, const uint *a, const uint *b)
{
    __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#elif ENGINE == ENGINE_MMA_K8
INLINE void multiply_add(float *d, const uint *a, const uint *b)
{
#pragma unroll
    for (int k = 0; k < 2; k++)
        __asm__ volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                         : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                         : "r"(a[2 * k]), "r"(a[2 * k + 1]), "r"(b[k]));
}
#else
/* The documents' numbering of the halves of a (a0 to a7), of b (b0 to b3). */
#define A_HALVES 8
#define A_COPIES 1
#define A_COPY(lane) 0
#define A_WORD(e) ((e) / 2)
#define A_SHIFT(e) ((e) % 2 * 16)
#define A_ROW(lane, e) ((lane) / 4 + ((e) < 2 || ((e) >= 4 && (e) < 6) ? 0 : 8))
#define A_K(lane, e) ((lane) % 4 * 2 + (e) % 2 + ((e) >= 4 ? 8 : 0))
#define B_HALVES 4
#define B_COPIES 1
#define B_COPY(lane) 0
#define B_WORD(e) ((e) / 2)
#define B_SHIFT(e) ((e) % 2 * 16)
#define B_COLUMN(lane, e) ((lane) / 4)
#define B_K(lane, e) ((lane) % 4 * 2 + (e) % 2 + ((e) >= 2 ? 8 : 0))
#endif
