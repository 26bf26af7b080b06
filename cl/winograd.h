/* SPDX-License-Identifier: MIT */
/* The one-dimensional transforms of Winograd convolution with 3 taps, F(TILE, 3), TILE = 2 or 4 (Lavin, Gray 2016), on vectors of type VT; a
 * two-dimensional transform applies one along columns, then along rows. Strides so, sd in vectors. */
#define ALPHA (TILE + 2)
#define POINTS (ALPHA * ALPHA)

/* Transformed input: floats from one point to the next, of `block` tiles by KC channels. A line more, or the points would share a few sets of the cache. */
#define V_STEP(block) ((block) * KC + 16)

#if TILE == 4
/* Points 0, A, -A, B, -B: the usual 1 and 2 lose 4 times as much in float. */
#define A 0.625f
#define B 1.5f
#define AA (A * A)
#define BB (B * B)
#define AT_A (0.5f / (AA * (AA - BB)))
#define AT_B (0.5f / (BB * (BB - AA)))

/* o[6] = B^T d[6] */
INLINE void winograd_input_1d(VT *o, int so, const VT *d, int sd)
{
    VT d0 = d[0], d1 = d[sd], d2 = d[2 * sd], d3 = d[3 * sd], d4 = d[4 * sd], d5 = d[5 * sd];
    VT a = fma((VT)(-BB), d2, d4), b = A * fma((VT)(-BB), d1, d3), c = fma((VT)(-AA), d2, d4), e = B * fma((VT)(-AA), d1, d3);
    o[0] = fma((VT)(AA * BB), d0, fma((VT)(-(AA + BB)), d2, d4));
    o[so] = a + b;
    o[2 * so] = a - b;
    o[3 * so] = c + e;
    o[4 * so] = c - e;
    o[5 * so] = fma((VT)(AA * BB), d1, fma((VT)(-(AA + BB)), d3, d5));
}

/* o[6] = G g[3] */
INLINE void winograd_weight_1d(VT *o, int so, const VT *g, int sg)
{
    VT g0 = g[0], g1 = g[sg], g2 = g[2 * sg];
    VT a = AT_A * fma((VT)(AA), g2, g0), b = (A * AT_A) * g1, c = AT_B * fma((VT)(BB), g2, g0), e = (B * AT_B) * g1;
    o[0] = (1.0f / (AA * BB)) * g0;
    o[so] = a + b;
    o[2 * so] = a - b;
    o[3 * so] = c + e;
    o[4 * so] = c - e;
    o[5 * so] = g2;
}

/* o[4] = A^T m[6] */
INLINE void winograd_output_1d(VT *o, int so, const VT *m, int sm)
{
    VT a = m[sm] + m[2 * sm], b = A * (m[sm] - m[2 * sm]), c = m[3 * sm] + m[4 * sm], e = B * (m[3 * sm] - m[4 * sm]);
    o[0] = m[0] + a + c;
    o[so] = b + e;
    o[2 * so] = fma((VT)(AA), a, BB * c);
    o[3 * so] = fma((VT)(AA), b, fma((VT)(BB), e, m[5 * sm]));
}
#else
INLINE void winograd_input_1d(VT *o, int so, const VT *d, int sd)
{
    o[0] = d[0] - d[2 * sd];
    o[so] = d[sd] + d[2 * sd];
    o[2 * so] = d[2 * sd] - d[sd];
    o[3 * so] = d[sd] - d[3 * sd];
}

INLINE void winograd_weight_1d(VT *o, int so, const VT *g, int sg)
{
    VT a = 0.5f * (g[0] + g[2 * sg]), b = 0.5f * g[sg];
    o[0] = g[0];
    o[so] = a + b;
    o[2 * so] = a - b;
    o[3 * so] = g[2 * sg];
}

INLINE void winograd_output_1d(VT *o, int so, const VT *m, int sm)
{
    o[0] = m[0] + m[sm] + m[2 * sm];
    o[so] = m[sm] - m[2 * sm] - m[3 * sm];
}
#endif
