/* SPDX-License-Identifier: MIT */
/* Maxima and sums over segments of LANES items of a sub-group, without local memory or barriers: every item of the segment gets the same bits. Segments are
 * consecutive items (the linear local id / LANES), and every item of the group takes part.
 *   EXCHANGE: how items read each other's values; WIDTH: items of a sub-group, a multiple of LANES. host/ops/subgroup.h has the same numbers, and proves that
 *   the device does it. An item meets those 1, 2, 4 ... items away in turn: by then all values within that distance are the same, so that AMD's mirrored rows
 *   serve as well as an exclusive or. */
#define EXCHANGE_KHR 1
#define EXCHANGE_INTEL 2
#define EXCHANGE_AMD 3
#define EXCHANGE_NVIDIA 4

#if EXCHANGE == EXCHANGE_KHR || EXCHANGE == EXCHANGE_INTEL
#define SUBGROUP_ATTRIBUTE __attribute__((intel_reqd_sub_group_size(WIDTH)))
#else
#define SUBGROUP_ATTRIBUTE
#endif

#if EXCHANGE == EXCHANGE_KHR
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable
#define ACROSS(v, distance) sub_group_shuffle_xor(v, distance)
#elif EXCHANGE == EXCHANGE_INTEL
#pragma OPENCL EXTENSION cl_intel_subgroups : enable
#define ACROSS(v, distance) intel_sub_group_shuffle_xor(v, distance)
#elif EXCHANGE == EXCHANGE_AMD
/* Data-parallel primitives: the pairs and the halves of four items, of eight and of sixteen mirrored (AMD's instruction set manuals, "DPP_CTRL"); by the
 * crossbar of local memory sixteen items away. */
#define DPP_1 0xb1
#define DPP_2 0x4e
#define DPP_4 0x141
#define DPP_8 0x140
#define BY_DPP(v, distance) as_float(__builtin_amdgcn_mov_dpp(as_int(v), JOIN(DPP_, distance), 0xf, 0xf, 1))
#define ACROSS(v, distance) JOIN(ACROSS_, distance)(v)
#define ACROSS_1(v) BY_DPP(v, 1)
#define ACROSS_2(v) BY_DPP(v, 2)
#define ACROSS_4(v) BY_DPP(v, 4)
#define ACROSS_8(v) BY_DPP(v, 8)
#define ACROSS_16(v) as_float(__builtin_amdgcn_ds_swizzle(as_int(v), 16 << 10 | 0x1f))
#else
INLINE float across(float v, uint distance)
{
    float other;
    __asm__ volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(other) : "f"(v), "r"(distance));
    return other;
}
#define ACROSS(v, distance) across(v, distance)
#endif

INLINE float lanes_max(float v)
{
    v = fmax(v, ACROSS(v, 1));
#if LANES > 2
    v = fmax(v, ACROSS(v, 2));
#endif
#if LANES > 4
    v = fmax(v, ACROSS(v, 4));
#endif
#if LANES > 8
    v = fmax(v, ACROSS(v, 8));
#endif
#if LANES > 16
    v = fmax(v, ACROSS(v, 16));
#endif
    return v;
}

INLINE float lanes_sum(float v)
{
    v += ACROSS(v, 1);
#if LANES > 2
    v += ACROSS(v, 2);
#endif
#if LANES > 4
    v += ACROSS(v, 4);
#endif
#if LANES > 8
    v += ACROSS(v, 8);
#endif
#if LANES > 16
    v += ACROSS(v, 16);
#endif
    return v;
}
