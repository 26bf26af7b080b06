/* SPDX-License-Identifier: MIT */
#include "vector.h"

/* A row of c channels: to = from * scale + shift, then SiLU where asked; vectors from `first` on, `step` apart. */
INLINE void apply_row(__global YTYPE *to, __global const XTYPE *from, __global const float *scale, __global const float *shift, int c, int silu, int first,
                      int step)
{
    for (int k = first; k < c; k += step) {
        if (k + VW <= c) {
            VECTOR v = fma(LOADXV(from, k), LOADV(scale + k), LOADV(shift + k));
            if (silu) v = SILUV(v);
            STOREYV(v, to, k);
        } else {
            for (int j = k; j < c; j++) {
                float v = fma(LOADX(from, j), scale[j], shift[j]);
                if (silu) v = silu_1(v);
                STOREY(v, to, j);
            }
        }
    }
}
