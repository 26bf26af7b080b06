/* SPDX-License-Identifier: MIT */
#include "common.h"

/* Attention with an online softmax (cl/attention_cpu.cl) on a GPU; operands as there. A group of GX x GY items takes BQ = TQ GY queries of one head and walks
 * over blocks of BK keys. Queries, keys (then, in the same place, values) and the block's weights lie in local memory; an item scores TQ queries against
 * BK / GX keys, then sums TQ queries by D / GX values of the output, in registers.
 *   rows of local memory are DP + PAD values, DP: D in whole vectors of 4; KEEP: halves stay halves there, weights are halves too
 *   weights: our exponential in f32; in f16 2^x of the device, the scale having been multiplied by log2 e
 *   REDUCE 1: items that share a query are neighbours in a sub-group, and exchange their maxima and sums there (cl/subgroup.h), not through local memory
 *   first: the group in dimension 0 that this piece of the launch begins with
 *   launch: dimension 0 blocks of BQ queries, 1 heads, 2 images.  tune: BQ, BK, TQ, SHARE, VW, PAD, KEEP, REDUCE.  -DD: head size */
/* Items that share a query: SHARE, or more until their sums stay in registers. host/ops/attention_gpu.c does the same. */
#define SUMS(items) (TQ * ((D + (items)-1) / (items)))
#if SUMS(SHARE) <= 24 || SHARE >= 32
#define GX SHARE
#elif SUMS(2 * SHARE) <= 24 || SHARE >= 16
#define GX (2 * SHARE)
#elif SUMS(4 * SHARE) <= 24 || SHARE >= 8
#define GX (4 * SHARE)
#else
#define GX (8 * SHARE)
#endif
#define GY (BQ / TQ)
#define ITEMS (GX * GY)
#define TK (BK / GX)
#define TD ((D + GX - 1) / GX)
#define DP ((D + 3) / 4 * 4)
#define ROW (DP + PAD)
#define LDP (BK + 4)
#if REDUCE /* LANES is GX */
#include "subgroup.h"
#else
#define SUBGROUP_ATTRIBUTE
#endif

#if KEEP && XT == F16
#define LTYPE ushort
#define LOADL(p) vload_half(0, (__local const half *)(p))
#define LOADL4(p) vloada_half4(0, (__local const half *)(p))
#define STOREL(v, p) vstore_half_rte(v, 0, (__local half *)(p))
#else
#define LTYPE float
#define LOADL(p) (*(p))
#define LOADL4(p) (*(__local const float4 *)(p))
#define STOREL(v, p) (*(p) = (v))
#endif

#if XT == F16
#define EXP(x) fast_exp2(x)
#define LOG_BASE 1.44269504088896341f
#define BITS ushort
#else
#define EXP(x) exp_1(x)
#define LOG_BASE 1.0f
#define BITS float
#endif
#define VECTOR_1(type) type
#define VECTOR_2(type) type##2
#define VECTOR_4(type) type##4
#define VECTOR_8(type) type##8
#if XT == F16
#define RAW JOIN(VECTOR_, VW)(ushort)
#else
#define RAW JOIN(VECTOR_, VW)(float)
#endif
#if D % GX
#define COLUMN(j) min(gx + (j) * GX, D - 1)
#else
#define COLUMN(j) (gx + (j) * GX)
#endif
#define COLUMNS ((DP + VW - 1) / VW)

/* `most` rows of D values to local memory, of which n exist; the rest, and what pads a row, is zero. */
INLINE void load_tile(__local LTYPE *tile, __global const XTYPE *from, int ld, int n, int most, int whole)
{
#if KEEP || XT != F16 /* LLVM does not unroll a loop around vload_half in part, and warns */
#pragma unroll 2
#endif
    for (int i = (int)get_local_id(1) * GX + (int)get_local_id(0); i < most * COLUMNS; i += ITEMS) {
        int r = i / COLUMNS, d = i % COLUMNS * VW;
        __global const BITS *x = (__global const BITS *)(from + (size_t)r * (size_t)ld + (size_t)d);
        RAW raw = (RAW)(0);
        if (r < n && d < D) {
            if (whole) raw = *(__global const RAW *)x;
            else
#pragma unroll
                for (int j = 0; j < VW; j++)
                    if (d + j < D) ((BITS *)&raw)[j] = x[j];
        }
#pragma unroll
        for (int j = 0; j < VW; j++)
            if (DP % VW == 0 || d + j < DP) {
#if KEEP && XT == F16
                tile[r * ROW + d + j] = ((BITS *)&raw)[j];
#elif XT == F16
                tile[r * ROW + d + j] = vload_half(j, (const half *)&raw);
#else
                tile[r * ROW + d + j] = ((BITS *)&raw)[j];
#endif
            }
    }
}

__kernel __attribute__((reqd_work_group_size(GX, GY, 1))) SUBGROUP_ATTRIBUTE
void attention_gpu(__global YTYPE *y, ulong yo, __global const XTYPE *q, ulong qo, __global const XTYPE *k, ulong ko,
                   __global const XTYPE *v, ulong vo, int tq, int tk, int ldq, int ldk, int ldv, int ldy, int causal, float scale, int first)
{
    __local LTYPE queries[BQ * ROW] __attribute__((aligned(16))), block[BK * ROW] __attribute__((aligned(16)));
    __local LTYPE weights[BQ * LDP] __attribute__((aligned(16)));
#if !REDUCE
    __local float parts[BQ * (GX + 1)];
#endif
    int gx = (int)get_local_id(0), i0 = (int)get_local_id(1) * TQ, q0 = (first + (int)get_group_id(0)) * BQ;
    int head = (int)get_group_id(1), image = (int)get_group_id(2);
    int whole = ((int)qo | (int)ko | (int)vo | ldq | ldk | ldv | D) % VW == 0;
    float sum[TQ][TD], top[TQ], total[TQ];
    q += qo + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldq + (size_t)head * D;
    k += ko + (size_t)image * (size_t)tk * (size_t)ldk + (size_t)head * D;
    v += vo + (size_t)image * (size_t)tk * (size_t)ldv + (size_t)head * D;
    load_tile(queries, q, ldq, tq - q0, BQ, whole);
#pragma unroll
    for (int i = 0; i < TQ; i++) {
        top[i] = -MAXFLOAT;
        total[i] = 0.0f;
#pragma unroll
        for (int j = 0; j < TD; j++) sum[i][j] = 0.0f;
    }
    int seen = causal ? min(tk, q0 + BQ) : tk;
    scale *= LOG_BASE;
    for (int k0 = 0; k0 < seen; k0 += BK) {
        int kn = min(BK, tk - k0);
        float s[TQ][TK], most[TQ];
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(block, k + (size_t)k0 * (size_t)ldk, ldk, kn, BK, whole);
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int i = 0; i < TQ; i++)
#pragma unroll
            for (int j = 0; j < TK; j++) s[i][j] = 0.0f;
#pragma unroll 1 /* unrolled, compilers load far ahead and spill */
        for (int d = 0; d < DP; d += 4) {
            float4 a[TQ];
#pragma unroll
            for (int i = 0; i < TQ; i++) a[i] = LOADL4(queries + (i0 + i) * ROW + d);
#pragma unroll
            for (int j = 0; j < TK; j++) {
                float4 b = LOADL4(block + (gx + j * GX) * ROW + d);
#pragma unroll
                for (int i = 0; i < TQ; i++)
                    s[i][j] = fma(a[i].w, b.w, fma(a[i].z, b.z, fma(a[i].y, b.y, fma(a[i].x, b.x, s[i][j]))));
            }
        }
#pragma unroll
        for (int i = 0; i < TQ; i++) {
            int limit = causal ? min(kn, q0 + i0 + i + 1 - k0) : kn;
            most[i] = -MAXFLOAT;
#pragma unroll
            for (int j = 0; j < TK; j++) {
                s[i][j] = gx + j * GX < limit ? s[i][j] * scale : -MAXFLOAT;
                most[i] = fmax(most[i], s[i][j]);
            }
#if REDUCE
            most[i] = lanes_max(most[i]);
#else
            parts[(i0 + i) * (GX + 1) + gx] = most[i];
#endif
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(block, v + (size_t)k0 * (size_t)ldv, ldv, kn, BK, whole);
#pragma unroll
        for (int i = 0; i < TQ; i++) {
            float now = top[i], shrink;
#if REDUCE
            now = fmax(now, most[i]);
#else
#pragma unroll 4
            for (int j = 0; j < GX; j++) now = fmax(now, parts[(i0 + i) * (GX + 1) + j]);
#endif
            shrink = EXP(top[i] - now);
            top[i] = now;
            total[i] *= shrink;
#pragma unroll
            for (int j = 0; j < TD; j++) sum[i][j] *= shrink;
#pragma unroll
            for (int j = 0; j < TK; j++) {
                float w = s[i][j] == -MAXFLOAT ? 0.0f : EXP(s[i][j] - now);
                total[i] += w;
                STOREL(w, weights + (i0 + i) * LDP + gx + j * GX);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 1
        for (int t = 0; t < BK; t += 4) {
            float4 w[TQ];
#pragma unroll
            for (int i = 0; i < TQ; i++) w[i] = LOADL4(weights + (i0 + i) * LDP + t);
#pragma unroll
            for (int j = 0; j < TD; j++) {
                __local const LTYPE *b = block + t * ROW + COLUMN(j);
                float b0 = LOADL(b), b1 = LOADL(b + ROW), b2 = LOADL(b + 2 * ROW), b3 = LOADL(b + 3 * ROW);
#pragma unroll
                for (int i = 0; i < TQ; i++)
                    sum[i][j] = fma(w[i].w, b3, fma(w[i].z, b2, fma(w[i].y, b1, fma(w[i].x, b0, sum[i][j]))));
            }
        }
    }
#if !REDUCE
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (int i = 0; i < TQ; i++) parts[(i0 + i) * (GX + 1) + gx] = total[i];
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    y += yo + ((size_t)image * (size_t)tq + (size_t)q0) * (size_t)ldy + (size_t)head * D;
#pragma unroll
    for (int i = 0; i < TQ; i++) {
#if REDUCE
        float all = lanes_sum(total[i]);
#else
        float all = 0.0f;
        for (int j = 0; j < GX; j++) all += parts[(i0 + i) * (GX + 1) + j];
#endif
        if (q0 + i0 + i < tq)
#pragma unroll
            for (int j = 0; j < TD; j++)
                if (gx + j * GX < D) STOREY(sum[i][j] / all, y, (size_t)(i0 + i) * (size_t)ldy + (size_t)(gx + j * GX));
    }
}
