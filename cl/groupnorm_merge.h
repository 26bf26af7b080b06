/* SPDX-License-Identifier: MIT */
/* The moments of an image's slabs, and what becomes of them.
 *   norm (2, c), what a consumer applies: scale = gamma * rstd, shift = beta - mean * scale
 *   part (slabs, 2, c): the hw rows of an image come in pieces of `piece`, and each of those in slabs of `rows`, the last of both may be smaller */
INLINE void store_norm(__global float *norm, __global const float *gamma, __global const float *beta, int c, int k, float mean, float rstd)
{
    float scale = gamma[k] * rstd;
    norm[k] = scale;
    norm[c + k] = beta[k] - mean * scale;
}

/* Rows of a slab; per_piece: slabs of a piece. */
INLINE int slab_rows(int slab, int hw, int piece, int rows, int per_piece)
{
    int at = slab / per_piece, here = min(piece, hw - at * piece);
    return min(rows, here - (slab - at * per_piece) * rows);
}

/* Merges those of channels [first, first + width) in a fixed order (Chan, Golub, LeVeque 1979). */
INLINE void merge_slabs(__global float *norm, __global const float *part, __global const float *gamma, __global const float *beta, int first, int width,
                        int hw, int c, int piece, int rows, float eps)
{
    float mean = 0.0f, m2 = 0.0f, count = 0.0f;
    for (int at = 0; at < hw; at += piece) {
        int here = min(piece, hw - at);
        for (int r = 0; r < here; r += rows, part += 2 * (size_t)c) {
            float n = (float)min(rows, here - r);
            for (int k = first; k < first + width; k++) {
                float d = part[k] - mean, total = count + n;
                mean += d * (n / total);
                m2 += part[c + k] + d * d * (count * n / total);
                count = total;
            }
        }
    }
    float rstd = 1.0f / sqrt(m2 / count + eps);
    for (int k = first; k < first + width; k++) store_norm(norm, gamma, beta, c, k, mean, rstd);
}
