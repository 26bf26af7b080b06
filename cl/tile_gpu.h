/* SPDX-License-Identifier: MIT */
/* The local-memory tile of the GPU kernels for GEMM and convolution: a work-group computes BM rows by one panel of BN columns, BK products at a time; an item
 * holds TM x TN sums. Item (tn, tm) has rows tm + i BM/TM and columns tn + j BN/TN, so that neighbours read and write neighbours, and with GEGLU (panels of
 * BN/2 values, then their gates) a value and its gate are the same item's.
 * Tunables: BM, BN, BK, TM, TN; the group is BN/TN x BM/TM items. */
#include "common.h"

#define GN (BN / TN)
#define GM (BM / TM)

/* sum += a tile * b tile.  as [BK][BM + 1], bs [BK][BN] */
INLINE void multiply(float sum[TM][TN], __local const float *as, __local const float *bs)
{
    int tn = (int)get_local_id(0), tm = (int)get_local_id(1);
    for (int k = 0; k < BK; k++) {
        float a[TM], b[TN];
#pragma unroll
        for (int i = 0; i < TM; i++) a[i] = as[k * (BM + 1) + tm + i * GM];
#pragma unroll
        for (int j = 0; j < TN; j++) b[j] = bs[k * BN + tn + j * GN];
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
            for (int j = 0; j < TN; j++) sum[i][j] = fma(a[i], b[j], sum[i][j]);
    }
}

/* Rows [k0, k0 + BK) of a panel that has kn of them left. */
INLINE void load_panel(__local float *bs, __global const WTYPE *panel, int kn)
{
    int item = (int)get_local_id(1) * GN + (int)get_local_id(0);
    for (int i = item; i < BK * BN; i += GN * GM) bs[i] = i / BN < kn ? LOADW(panel, (size_t)i) : 0.0f;
}

/* One row of the item's sums -> y. n: columns of the output, panel: which panel, r: its row in y and in residual, row: the image's row vector. */
INLINE void store_sums(const float *sum, __global YTYPE *y, __global const YTYPE *residual, __global const float *bias,
                       __global const float *row, int flags, int n, int panel)
{
    int tn = (int)get_local_id(0), geglu = flags & IS_GEGLU ? 2 : 1;
    for (int j = 0; j < TN / geglu; j++) {
        int column = panel * (BN / geglu) + tn + j * GN;
        if (column >= n) continue;
        float v = sum[j];
        if (flags & HAS_BIAS) v += bias[column];
        if (flags & IS_GEGLU) v *= gelu_1(sum[j + TN / 2] + (flags & HAS_BIAS ? bias[n + column] : 0.0f));
        if (flags & HAS_ROW) v += row[column];
        v = activate_1(v, flags >> ACT_SHIFT);
        if (flags & HAS_RESIDUAL) v += LOADY(residual, column);
        STOREY(v, y, column);
    }
}
