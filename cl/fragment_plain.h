/* SPDX-License-Identifier: MIT */
/* Matrix instructions in plain C, for devices without: the items of a sub-group put their fragments where the vendor's documents say that the elements belong,
 * in local memory, and each computes the sums that the documents give it. Of the file that includes it: the A_, B_ and SUM_ macros of a fragment_*.h.
 * All fragments of a step are exchanged at once: every barrier costs PoCL's compiler. */

/* Halves of local memory that a sub-group needs. A_COPIES, B_COPIES: how often the instruction wants an operand, in different items. */
#define PLAIN_HALVES (A_COPIES * FM * FRAGMENT_M * FRAGMENT_K + B_COPIES * FN * FRAGMENT_N * FRAGMENT_K)

INLINE void multiply_fragments(float sum[FM][FN][SUMS], uint a[FM][A_WORDS], uint b[FN][B_WORDS], int lane, __local ushort *scratch)
{
    __local ushort *at = scratch + A_COPY(lane) * FM * FRAGMENT_M * FRAGMENT_K;
    __local ushort *bt = scratch + (A_COPIES * FM * FRAGMENT_M + B_COPY(lane) * FN * FRAGMENT_N) * FRAGMENT_K;
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma nounroll
    for (int i = 0; i < FM; i++)
#pragma nounroll
        for (int e = 0; e < A_HALVES; e++)
            at[(i * FRAGMENT_M + A_ROW(lane, e)) * FRAGMENT_K + A_K(lane, e)] = (ushort)(a[i][A_WORD(e)] >> A_SHIFT(e));
#pragma nounroll
    for (int j = 0; j < FN; j++)
#pragma nounroll
        for (int e = 0; e < B_HALVES; e++)
            bt[(j * FRAGMENT_N + B_COLUMN(lane, e)) * FRAGMENT_K + B_K(lane, e)] = (ushort)(b[j][B_WORD(e)] >> B_SHIFT(e));
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma nounroll
    for (int i = 0; i < FM; i++)
#pragma nounroll
        for (int j = 0; j < FN; j++)
#pragma nounroll
            for (int s = 0; s < SUMS; s++) {
                int r = (i * FRAGMENT_M + SUM_ROW(lane, s)) * FRAGMENT_K, c = (j * FRAGMENT_N + SUM_COLUMN(lane, s)) * FRAGMENT_K;
                float d = sum[i][j][s];
#pragma nounroll
                for (int k = 0; k < FRAGMENT_K; k++)
                    d = fma(vload_half((size_t)(r + k), (__local const half *)at), vload_half((size_t)(c + k), (__local const half *)bt), d);
                sum[i][j][s] = d;
            }
}
