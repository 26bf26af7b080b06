/* SPDX-License-Identifier: MIT */
/* Intel DPAS, products of f16, through intel_sub_group_f16_f16_matrix_mad_k16. Layout: the extension cl_intel_subgroup_matrix_multiply_accumulate: component
 * r of a is row r, which is spread over the items, two values of K each in sub-groups of 8, one in sub-groups of 16; component r of b are values 2r and 2r +
 * 1 of K of the item's column; component r of the sums is row r of the item's column. */
#if ENGINE == ENGINE_DPAS8 || ENGINE == ENGINE_PLAIN_DPAS8
#define LANES 8
#define A_PER_LANE 2
#else
#define LANES 16
#define A_PER_LANE 1
#endif
#define FRAGMENT_M 8
#define FRAGMENT_N LANES
#define FRAGMENT_K 16
#define A_WORDS 8
#define B_WORDS 8
#define SUMS 8
#define RUN 1
#define SUM_ROW(lane, s) (s)
#define SUM_COLUMN(lane, s) (lane)

/* In sub-groups of 16 the low half of a word counts. */
INLINE void load_a(uint a[A_WORDS], __local const uint *as, int lane)
{
#pragma unroll
    for (int r = 0; r < 8; r++)
        a[r] = A_PER_LANE == 2 ? as[r * LDA + lane] : (uint)((__local const ushort *)(as + r * LDA))[lane];
}

INLINE void load_b(uint b[B_WORDS], __local const uint *bs, int lane)
{
#pragma unroll
    for (int k = 0; k < 8; k++) b[k] = bs[k * LDB + lane];
}

#if ENGINE == ENGINE_DPAS8 || ENGINE == ENGINE_DPAS16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define LANE_OF(item) ((int)get_sub_group_local_id())
#define SUBGROUP_OF(item) ((int)get_sub_group_id())
#define SUBGROUP_ATTRIBUTE __attribute__((intel_reqd_sub_group_size(LANES)))
#if ENGINE == ENGINE_DPAS8
#define A_VECTOR(a) as_int8(vload8(0, a))
#else
#define A_VECTOR(a) as_short8(convert_ushort8(vload8(0, a)))
#endif
INLINE void multiply_add(float *d, const uint *a, const uint *b)
{
    vstore8(intel_sub_group_f16_f16_matrix_mad_k16(A_VECTOR(a), as_int8(vload8(0, b)), vload8(0, d)), 0, d);
}
#else
#define A_HALVES (8 * A_PER_LANE)
#define A_COPIES 1
#define A_COPY(lane) 0
#define A_WORD(e) ((e) / A_PER_LANE)
#define A_SHIFT(e) ((e) % A_PER_LANE * 16)
#define A_ROW(lane, e) ((e) / A_PER_LANE)
#define A_K(lane, e) ((lane) * A_PER_LANE + (e) % A_PER_LANE)
#define B_HALVES 16
#define B_COPIES 1
#define B_COPY(lane) 0
#define B_WORD(e) ((e) / 2)
#define B_SHIFT(e) ((e) % 2 * 16)
#define B_COLUMN(lane, e) (lane)
#define B_K(lane, e) (e)
#endif
