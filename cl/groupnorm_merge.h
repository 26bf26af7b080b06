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

/* Merges those of channels [first, first + width) in a fixed order: first for the mean, then for the squared deviations from it. A slab's sum is made by
 * itself: what one waits for, another does not. */
INLINE void merge_slabs(__global float *norm, __global const float *part, __global const float *gamma, __global const float *beta, int first, int width,
                        int hw, int c, int piece, int rows, float eps)
{
    float origin = part[first], sum = 0.0f, m2 = 0.0f, all = (float)hw * (float)width;
    __global const float *from = part;
    for (int at = 0; at < hw; at += piece)
        for (int r = 0, here = min(piece, hw - at); r < here; r += rows, from += 2 * (size_t)c) {
            float n = (float)min(rows, here - r), slab = 0.0f;
            for (int k = first; k < first + width; k++) slab += from[k] - origin;
            sum = fma(n, slab, sum);
        }
    float mean = origin + sum / all;
    from = part;
    for (int at = 0; at < hw; at += piece)
        for (int r = 0, here = min(piece, hw - at); r < here; r += rows, from += 2 * (size_t)c) {
            float n = (float)min(rows, here - r), slab = 0.0f;
            for (int k = first; k < first + width; k++) {
                float d = from[k] - mean;
                slab += fma(n * d, d, from[c + k]);
            }
            m2 += slab;
        }
    float rstd = rstd_of(m2 / all, eps);
    for (int k = first; k < first + width; k++) store_norm(norm, gamma, beta, c, k, mean, rstd);
}
