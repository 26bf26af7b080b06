/* SPDX-License-Identifier: MIT */
/* AMD CDNA MFMA, v_mfma_f32_16x16x16f16 in waves of 64. Layout: AMD ROCm blogs, "AMD matrix cores", and amd_matrix_instruction_calculator
 * (v_mfma_f32_16x16x16_f16): item i holds row (column) i % 16 of a (b), values 4 (i / 16) to 4 (i / 16) + 3 of K. */
#define FRAGMENT_M 16
#define FRAGMENT_N 16
#define FRAGMENT_K 16
#define LANES 64
#define A_WORDS 2
#define B_WORDS 2
#define SUMS 4
#define RUN 1
#define SUM_ROW(lane, s) ((lane) / 16 * 4 + (s))
#define SUM_COLUMN(lane, s) ((lane) % 16)

INLINE void load_a(uint a[A_WORDS], __local const uint *as, int lane)
{
    vstore2(*(__local const uint2 *)(as + lane % 16 * LDA + lane / 16 * 2), 0, a);
}

INLINE void load_b(uint b[B_WORDS], __local const uint *bs, int lane)
{
    __local const uint *from = bs + lane / 16 * 2 * LDB + lane % 16;
    b[0] = from[0];
    b[1] = from[LDB];
}

#if ENGINE == ENGINE_MFMA
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
INLINE void multiply_add(float *d, const uint *a, const uint *b)
{
    float4 sum = vload4(0, d);
    sum = __builtin_amdgcn_mfma_f32_16x16x16f16(as_half4(vload2(0, a)), as_half4(vload2(0, b)), sum, 0, 0, 0);
    vstore4(sum, 0, d);
}
#else
#define A_HALVES 4
#define A_COPIES 1
#define A_COPY(lane) 0
#define A_WORD(e) ((e) / 2)
#define A_SHIFT(e) ((e) % 2 * 16)
#define A_ROW(lane, e) ((lane) % 16)
#define A_K(lane, e) (4 * ((lane) / 16) + (e))
#define B_HALVES 4
#define B_COPIES 1
#define B_COPY(lane) 0
#define B_WORD(e) ((e) / 2)
#define B_SHIFT(e) ((e) % 2 * 16)
#define B_COLUMN(lane, e) ((lane) % 16)
#define B_K(lane, e) (4 * ((lane) / 16) + (e))
#endif
