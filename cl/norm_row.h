/* SPDX-License-Identifier: MIT */
#include "vector.h"

#define NORMED(k) fma(LOADXV(from, k), LOADV(scale + (k)), LOADV(shift + (k)))

/* A row of c channels: to = from * scale + shift, then SiLU where asked; for channels from `first` on, NV vectors of VW at a time, `step` apart. */
INLINE void apply_row(__global YTYPE *to, __global const XTYPE *from, __global const float *scale, __global const float *shift, int c, int silu, int first,
                      int step)
{
    int k = first;
    if (silu) {
        for (; k + VW * NV <= c; k += step) {
            VECTOR v[NV];
#pragma unroll
            for (int j = 0; j < NV; j++) v[j] = SILUV(NORMED(k + VW * j));
#pragma unroll
            for (int j = 0; j < NV; j++) STOREYV(v[j], to, k + VW * j);
        }
        for (; k + VW <= c; k += VW) STOREYV(SILUV(NORMED(k)), to, k);
    } else {
        for (; k + VW * NV <= c; k += step)
#pragma unroll
            for (int j = 0; j < NV; j++) STOREYV(NORMED(k + VW * j), to, k + VW * j);
        for (; k + VW <= c; k += VW) STOREYV(NORMED(k), to, k);
    }
    for (; k < c; k++) {
        float v = fma(LOADX(from, k), scale[k], shift[k]);
        STOREY(silu ? silu_1(v) : v, to, k);
    }
}
