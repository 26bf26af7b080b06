/* SPDX-License-Identifier: MIT */
/* AMD RDNA3 WMMA, v_wmma_f32_16x16x16_f16 in waves of 32. Layout: "RDNA3 Instruction Set Architecture", section 7.9 (WMMA), and AMD GPUOpen, "How to
 * accelerate AI applications on RDNA 3 using WMMA": items 0 to 15 hold a row of a, and a column of b, each; items 16 to 31 the same once more. */
#define FRAGMENT_M 16
#define FRAGMENT_N 16
#define FRAGMENT_K 16
#define LANES 32
#define A_WORDS 8
#define B_WORDS 8
#define SUMS 8
#define RUN 1
#define SUM_ROW(lane, s) (2 * (s) + (lane) / 16)
#define SUM_COLUMN(lane, s) ((lane) % 16)

INLINE void load_a(uint a[A_WORDS], __local const uint *as, int lane)
{
    __local const uint4 *from = (__local const uint4 *)(as + lane % 16 * LDA);
    vstore4(from[0], 0, a);
    vstore4(from[1], 1, a);
}

INLINE void load_b(uint b[B_WORDS], __local const uint *bs, int lane)
{
#pragma unroll
    for (int k = 0; k < 8; k++) b[k] = bs[k * LDB + lane % 16];
}

#if ENGINE == ENGINE_WMMA
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
INLINE void multiply_add(float *d, const uint *a, const uint *b)
{
    float8 sum = vload8(0, d);
    sum = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(as_half16(vload8(0, a)), as_half16(vload8(0, b)), sum);
    vstore8(sum, 0, d);
}
#else
#define A_HALVES 16
#define A_COPIES 2
#define A_COPY(lane) ((lane) / 16)
#define A_WORD(e) ((e) / 2)
#define A_SHIFT(e) ((e) % 2 * 16)
#define A_ROW(lane, e) ((lane) % 16)
#define A_K(lane, e) (e)
#define B_HALVES 16
#define B_COPIES 2
#define B_COPY(lane) ((lane) / 16)
#define B_WORD(e) ((e) / 2)
#define B_SHIFT(e) ((e) % 2 * 16)
#define B_COLUMN(lane, e) ((lane) % 16)
#define B_K(lane, e) (e)
#endif
