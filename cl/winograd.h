/* SPDX-License-Identifier: MIT */
/* The one-dimensional transforms of Winograd convolution with 3 taps, F(TILE, 3), TILE = 2, 4 or 6 (Lavin, Gray 2016), on vectors of type VT; a
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
#elif TILE == 6
/* Points 0, A, -A, B, -B, C, -C: of 680 triples tried the best in float, 20 times as inexact as F(4, 3). */
#define A 0.5f
#define B 1.0f
#define C 2.0f
#define AA (A * A)
#define BB (B * B)
#define CC (C * C)
#define ONCE (AA + BB + CC)
#define TWICE (AA * BB + AA * CC + BB * CC)
#define THRICE (AA * BB * CC)
#define AT_A (0.5f / (AA * (AA - BB) * (AA - CC)))
#define AT_B (0.5f / (BB * (BB - AA) * (BB - CC)))
#define AT_C (0.5f / (CC * (CC - AA) * (CC - BB)))

/* o[8] = B^T d[8] */
INLINE void winograd_input_1d(VT *o, int so, const VT *d, int sd)
{
    VT d0 = d[0], d1 = d[sd], d2 = d[2 * sd], d3 = d[3 * sd], d4 = d[4 * sd], d5 = d[5 * sd], d6 = d[6 * sd], d7 = d[7 * sd];
    VT even_a = fma((VT)(BB * CC), d2, fma((VT)(-(BB + CC)), d4, d6)), odd_a = A * fma((VT)(BB * CC), d1, fma((VT)(-(BB + CC)), d3, d5));
    VT even_b = fma((VT)(AA * CC), d2, fma((VT)(-(AA + CC)), d4, d6)), odd_b = B * fma((VT)(AA * CC), d1, fma((VT)(-(AA + CC)), d3, d5));
    VT even_c = fma((VT)(AA * BB), d2, fma((VT)(-(AA + BB)), d4, d6)), odd_c = C * fma((VT)(AA * BB), d1, fma((VT)(-(AA + BB)), d3, d5));
    o[0] = fma((VT)(-THRICE), d0, fma((VT)(TWICE), d2, fma((VT)(-ONCE), d4, d6)));
    o[so] = even_a + odd_a;
    o[2 * so] = even_a - odd_a;
    o[3 * so] = even_b + odd_b;
    o[4 * so] = even_b - odd_b;
    o[5 * so] = even_c + odd_c;
    o[6 * so] = even_c - odd_c;
    o[7 * so] = fma((VT)(-THRICE), d1, fma((VT)(TWICE), d3, fma((VT)(-ONCE), d5, d7)));
}

/* o[8] = G g[3] */
INLINE void winograd_weight_1d(VT *o, int so, const VT *g, int sg)
{
    VT g0 = g[0], g1 = g[sg], g2 = g[2 * sg];
    VT even_a = AT_A * fma((VT)(AA), g2, g0), odd_a = (A * AT_A) * g1, even_b = AT_B * fma((VT)(BB), g2, g0), odd_b = (B * AT_B) * g1;
    VT even_c = AT_C * fma((VT)(CC), g2, g0), odd_c = (C * AT_C) * g1;
    o[0] = (-1.0f / THRICE) * g0;
    o[so] = even_a + odd_a;
    o[2 * so] = even_a - odd_a;
    o[3 * so] = even_b + odd_b;
    o[4 * so] = even_b - odd_b;
    o[5 * so] = even_c + odd_c;
    o[6 * so] = even_c - odd_c;
    o[7 * so] = g2;
}

/* o[6] = A^T m[8] */
INLINE void winograd_output_1d(VT *o, int so, const VT *m, int sm)
{
    VT sum_a = m[sm] + m[2 * sm], odd_a = A * (m[sm] - m[2 * sm]), sum_b = m[3 * sm] + m[4 * sm], odd_b = B * (m[3 * sm] - m[4 * sm]);
    VT sum_c = m[5 * sm] + m[6 * sm], odd_c = C * (m[5 * sm] - m[6 * sm]);
    o[0] = m[0] + sum_a + sum_b + sum_c;
    o[so] = odd_a + odd_b + odd_c;
    o[2 * so] = fma((VT)(AA), sum_a, fma((VT)(BB), sum_b, CC * sum_c));
    o[3 * so] = fma((VT)(AA), odd_a, fma((VT)(BB), odd_b, CC * odd_c));
    o[4 * so] = fma((VT)(AA * AA), sum_a, fma((VT)(BB * BB), sum_b, (CC * CC) * sum_c));
    o[5 * so] = fma((VT)(AA * AA), odd_a, fma((VT)(BB * BB), odd_b, fma((VT)(CC * CC), odd_c, m[7 * sm])));
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
