/* SPDX-License-Identifier: MIT */
#include "common.h"

/* y (M, n) = epilogue(x (M, n)), after a product that some library has computed; GEGLU: x (M, 2n), values then gates. Without flags a copy that converts.
 *   row: of image (first + r) / image.  residual, y: may be the same memory
 *   launch: dimension 0 blocks of ROWS rows, 1 groups of WG items over the columns (8 an item, strided) */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void gemm_epilogue(__global YTYPE *y, ulong yo, __global const XTYPE *x, ulong xo, __global const float *bias, ulong bo, __global const float *row,
                   ulong ro, __global const YTYPE *residual, ulong so, int rows, int n, int ldx, int ldy, int ldr, int ldrow, int first,
                   int image, int flags)
{
    int r0 = (int)get_group_id(0) * ROWS, r1 = min(r0 + ROWS, rows), act = flags >> ACT_SHIFT;
    int begin = 8 * ((int)get_group_id(1) * WG + (int)get_local_id(0)), step = 8 * WG * (int)get_num_groups(1);
    bias += bo;
    for (int r = r0; r < r1; r++) {
        __global const XTYPE *from = x + xo + (size_t)r * (size_t)ldx;
        __global const YTYPE *add = residual + so + (size_t)r * (size_t)ldr;
        __global const float *shift = row + ro + (size_t)((first + r) / image) * (size_t)ldrow;
        __global YTYPE *to = y + yo + (size_t)r * (size_t)ldy;
        for (int k = begin; k < n; k += step) {
            if (k + 8 <= n) {
                float8 v = LOADX8(from, k);
                if (flags & HAS_BIAS) v += vload8(0, bias + k);
                if (flags & IS_GEGLU) {
                    float8 gate = LOADX8(from, n + k);
                    if (flags & HAS_BIAS) gate += vload8(0, bias + n + k);
                    v *= gelu_8(gate);
                }
                if (flags & HAS_ROW) v += vload8(0, shift + k);
                v = activate_8(v, act);
                if (flags & HAS_RESIDUAL) v += LOADY8(add, k);
                STOREY8(v, to, k);
            } else {
                for (int j = k; j < n; j++) {
                    float v = LOADX(from, j);
                    if (flags & HAS_BIAS) v += bias[j];
                    if (flags & IS_GEGLU) v *= gelu_1(LOADX(from, n + j) + (flags & HAS_BIAS ? bias[n + j] : 0.0f));
                    if (flags & HAS_ROW) v += shift[j];
                    v = activate_1(v, act);
                    if (flags & HAS_RESIDUAL) v += LOADY(add, j);
                    STOREY(v, to, j);
                }
            }
        }
    }
}
