/* SPDX-License-Identifier: MIT */
/* y (n, c) = sinusoidal embedding of t (n): frequencies exp(-ln(10000) i / (c/2 - shift)), i < c/2; cosines first or sines first (Ho et al. 2020, as
 * in the LDM UNet).  c even
 *   launch: one work-item per (frequency, image) */
__kernel void timestep(__global float *y, ulong yo, __global const float *t, ulong to, int c, int cos_first, float shift)
{
    int i = (int)get_global_id(0), image = (int)get_global_id(1), half_c = c / 2;
    float x = t[to + (size_t)image] * exp(-9.21034037197618f * (float)i / ((float)half_c - shift));
    __global float *row = y + yo + (size_t)image * (size_t)c;
    row[i] = cos_first ? cos(x) : sin(x);
    row[half_c + i] = cos_first ? sin(x) : cos(x);
}
