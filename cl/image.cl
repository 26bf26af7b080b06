/* SPDX-License-Identifier: MIT */
#include "common.h"

/* From here on the last bit of a float is worth 1: added, it rounds to an integer, ties to even, in the low bits. */
#define INTEGERS 12582912.0f

/* PoCL would store the bytes one by one. */
#ifdef __x86_64__
typedef uchar16 __attribute__((aligned(1))) stored_bytes;
#define STORE_BYTES(v, p) (*(__global stored_bytes *)(p) = (v))
#else
#define STORE_BYTES(v, p) vstore16(v, 0, p)
#endif

/* rgb = round_half_even(255 u), u = clamp(x / 2 + 0.5, 0, 1), and u itself into `unit` where asked. NaN becomes 0, but
 * stays in `unit`.
 *   launch: groups of 64 items over count values, 16 an item */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void image(__global uchar *rgb, ulong ro, __global float *unit, ulong uo, __global const XTYPE *x, ulong xo, int use_unit,
           ulong count)
{
    size_t i = 16 * get_global_id(0);
    rgb += ro;
    unit += uo;
    x += xo;
    if (i + 16 <= count) {
        float16 any = fma(LOADX16(x, i), (float16)(0.5f), (float16)(0.5f)), u = LARGER(any, (float16)(0.0f));
        u = SMALLER(u, (float16)(1.0f));
        if (use_unit) STORE16_1(any != any ? any : u, unit, i);
        STORE_BYTES(convert_uchar16(as_int16(fma((float16)(255.0f), u, (float16)(INTEGERS))) & 255), rgb + i);
        return;
    }
    for (; i < count; i++) {
        float any = fma(LOADX(x, i), 0.5f, 0.5f), u = LARGER(any, 0.0f);
        u = SMALLER(u, 1.0f);
        if (use_unit) unit[i] = any != any ? any : u;
        rgb[i] = (uchar)(as_int(fma(255.0f, u, INTEGERS)) & 255);
    }
}
