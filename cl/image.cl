/* SPDX-License-Identifier: MIT */
#include "common.h"

/* rgb = round_half_even(255 u), u = clamp(x / 2 + 0.5, 0, 1), and u itself into `unit` where asked. NaN becomes 0, but
 * stays in `unit`.
 *   launch: groups of 64 over count values */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void image(__global uchar *rgb, ulong ro, __global float *unit, ulong uo, __global const XTYPE *x, ulong xo, int use_unit,
           ulong count)
{
    size_t i = get_global_id(0);
    if (i >= count) return;
    float any = fma(LOADX(x + xo, i), 0.5f, 0.5f), u = fmin(fmax(any, 0.0f), 1.0f);
    if (use_unit) unit[uo + i] = isnan(any) ? any : u;
    rgb[ro + i] = convert_uchar_sat_rte(255.0f * u);
}
