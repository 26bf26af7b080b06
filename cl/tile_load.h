/* SPDX-License-Identifier: MIT */
/* What the tiles of GEMM and convolution on GPUs share: which block a group has, its loads from global memory, and what becomes of a sum.
 * Of the file that includes it: common.h, GN x GM items of a group, BM, BN, BK, VW and SW as in tile_gpu.h, NORM, ACT, GEGLU. */

#define ITEMS (GN * GM)
#define XVECS (BM * BK / (VW * ITEMS))

/* A vector of VW stored values before it is converted: bits, so that no conversion waits for the load. */
#define BITS_1 float
#define BITS_2 ushort
#define VECTOR_1(type) type /* the type's name is pasted: no macro */
#define VECTOR_2(type) type##2
#define VECTOR_4(type) type##4
#define VECTOR_8(type) type##8
#define RAW_1(n) JOIN(VECTOR_, n)(float)
#define RAW_2(n) JOIN(VECTOR_, n)(ushort)
#define XBITS JOIN(BITS_, XT)
#define XRAW JOIN(RAW_, XT)(VW)
#define WRAW JOIN(RAW_, WT)(VW)
#define GET_1(p) (*(p))
#define GET_2(p) vload2(0, p)
#define GET_4(p) vload4(0, p)
#define GET_8(p) vload8(0, p)
#define WIDEN_1_1(p) (*(const float *)(p))
#define WIDEN_1_2(p) vload2(0, (const float *)(p))
#define WIDEN_1_4(p) vload4(0, (const float *)(p))
#define WIDEN_1_8(p) vload8(0, (const float *)(p))
#define WIDEN_2_1(p) vload_half(0, (const half *)(p))
#define WIDEN_2_2(p) vload_half2(0, (const half *)(p))
#define WIDEN_2_4(p) vload_half4(0, (const half *)(p))
#define WIDEN_2_8(p) vload_half8(0, (const half *)(p))
#define FLOATS JOIN(VECTOR_, VW)(float)

/* Which panel and block of rows a group has. */
INLINE void tile_of_group(int group, int panels, int blocks, int *panel, int *block)
{
    int first = group / (SW * panels) * SW, height = min(SW, blocks - first), at = group - first * panels;
    *panel = at / height;
    *block = first + at % height;
}

INLINE int item_of(void) { return (int)get_local_id(1) * GN + (int)get_local_id(0); }

/* Row and first value of K of the item's vector v of a block of x. */
INLINE int x_row(int v) { return (item_of() + v * ITEMS) / (BK / VW); }
INLINE int x_first(int v) { return (item_of() + v * ITEMS) % (BK / VW) * VW; }

/* VW values at x, of which n > 0 exist; whole: all of them, aligned. */
INLINE XRAW fetch_x(__global const XTYPE *x, int n, int whole)
{
    XRAW raw = (XRAW)(0);
    if (whole) return *(__global const XRAW *)x;
#pragma unroll
    for (int j = 0; j < VW; j++)
        if (j < n) ((XBITS *)&raw)[j] = ((__global const XBITS *)x)[j];
    return raw;
}

/* The values of a vector, normalised where x is. k of the kn values of K; norm: the image's scale and shift. */
INLINE FLOATS values_of(XRAW raw, int exists, __global const float *norm, int k, int kn)
{
    FLOATS value = JOIN(JOIN(JOIN(WIDEN_, XT), _), VW)(&raw);
#if NORM
    if (exists) {
        FLOATS scale = (FLOATS)(0.0f), shift = (FLOATS)(0.0f);
        if (k + VW <= kn) {
            scale = JOIN(GET_, VW)(norm + k);
            shift = JOIN(GET_, VW)(norm + kn + k);
        } else {
#pragma unroll
            for (int j = 0; j < VW; j++) /* with an index that is not known, the vectors would lie in memory */
                if (j < kn - k) {
                    ((float *)&scale)[j] = norm[k + j];
                    ((float *)&shift)[j] = norm[kn + k + j];
                }
        }
        value = fma(value, scale, shift);
#if NORM == 2
#pragma unroll
        for (int j = 0; j < VW; j++) ((float *)&value)[j] = SILU(((float *)&value)[j]);
#endif
    }
#endif
    return value;
}

/* What y gets for a sum, of column c of n; gate: with GEGLU, the sum of its gate. */
INLINE float finish_sum(float sum, float gate, __global const YTYPE *residual, __global const float *bias, __global const float *row, int flags,
                      int n, int c)
{
    float v = sum;
    if (flags & HAS_BIAS) v += bias[c];
#if GEGLU
    v *= gelu_1(gate + (flags & HAS_BIAS ? bias[n + c] : 0.0f));
#endif
    if (flags & HAS_ROW) v += row[c];
    v = activate_1(v, ACT);
    if (flags & HAS_RESIDUAL) v += LOADY(residual, c);
    return v;
}
