/* SPDX-License-Identifier: MIT */
/* The arithmetic is the specification here: every fused multiply-add is spelled out, and no other product meets a sum
 * before it is rounded, so that neither the compiler nor its contraction setting can change a bit. */
#include "sampler/rng.h"

#include <math.h>

enum { MT_N = 624, MT_M = 397, BLOCK = 16 };

/* Mersenne Twister 19937: Matsumoto and Nishimura, 1998. */
void rng_seed(rng *r, uint64_t seed)
{
    *r = (rng){.next = MT_N};
    r->state[0] = (uint32_t)seed;
    for (uint32_t j = 1; j < MT_N; j++) r->state[j] = 1812433253u * (r->state[j - 1] ^ (r->state[j - 1] >> 30)) + j;
}

static void twist(rng *r)
{
    for (int i = 0; i < MT_N; i++) {
        uint32_t y = (r->state[i] & 0x80000000u) | (r->state[(i + 1) % MT_N] & 0x7fffffffu);
        r->state[i] = r->state[(i + MT_M) % MT_N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->next = 0;
}

uint32_t rng_u32(rng *r)
{
    if (r->next == MT_N) twist(r);
    uint32_t y = r->state[r->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

uint64_t rng_u64(rng *r)
{
    uint64_t high = rng_u32(r);
    return high << 32 | rng_u32(r);
}

/* 24 bits, in [0, 1). */
static float uniform_float(rng *r) { return (float)(rng_u32(r) & 0xffffff) * 0x1p-24f; }

/* 53 bits, in [0, 1). */
static double uniform_double(rng *r) { return (double)(rng_u64(r) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53; }

/* Horner's rule, highest power first. */
static float polynomial(const float *c, int n, float x)
{
    float y = c[0];
    for (int i = 1; i < n; i++) y = fmaf(y, x, c[i]);
    return y;
}

/* Natural logarithm of x in (0, 1], after Cephes' logf. */
static float cephes_log(float x)
{
    static const float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                              -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                              2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    int exponent;
    float m = frexpf(x, &exponent);
    if (m < 0.707106781186547524f) {
        exponent--;
        m = m - 1.0f + m;
    } else {
        m = m - 1.0f;
    }
    float e = (float)exponent, z = m * m;
    float y = polynomial(c, 9, m) * m;
    y = fmaf(y, z, e * -2.12194440e-4f);
    y = fmaf(-z, 0.5f, y);
    return fmaf(e, 0.693359375f, m + y);
}

/* Sine and cosine of x >= 0, after Cephes' sinf and cosf: pi/4 is taken off in three parts. */
static void cephes_sincos(float x, float *sine, float *cosine)
{
    static const float cos_c[] = {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f};
    static const float sin_c[] = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
    int octant = ((int)(x * 1.27323954473516f) + 1) & ~1;
    float y = (float)octant;
    x = fmaf(y, -0.78515625f, x);
    x = fmaf(y, -2.4187564849853515625e-4f, x);
    x = fmaf(y, -3.77489497744594108e-8f, x);
    float z = x * x;
    float p = fmaf(polynomial(cos_c, 3, z) * z, z, -(z * 0.5f)) + 1.0f;
    float q = fmaf(polynomial(sin_c, 3, z) * z, x, x);
    bool swap = octant & 2;
    float s = swap ? p : q, c = swap ? q : p;
    *sine = octant & 4 ? -s : s;
    *cosine = ~(octant - 2) & 4 ? -c : c;
}

/* Box and Muller, 1958, on a block: u[j] and u[j + 8] give the pair d[j], d[j + 8]. In place. */
static void normal_block(float *d)
{
    for (int j = 0; j < BLOCK / 2; j++) {
        float radius = sqrtf(-2.0f * cephes_log(1.0f - d[j])), s, c;
        cephes_sincos(6.283185307179586f * d[j + BLOCK / 2], &s, &c);
        d[j] = radius * c;
        d[j + BLOCK / 2] = radius * s;
    }
}

/* The path of short tensors: one pair at a time in double. */
static double normal_scalar(rng *r)
{
    if (r->has_cached) {
        r->has_cached = false;
        return r->cached;
    }
    double u1 = uniform_double(r), u2 = uniform_double(r);
    double radius = sqrt(-2.0 * log1p(-u2)), angle = 2.0 * 3.14159265358979323846 * u1;
    r->cached = radius * sin(angle);
    r->has_cached = true;
    return radius * cos(angle);
}

void rng_randn(rng *r, float *out, size_t n)
{
    if (n < BLOCK) {
        for (size_t i = 0; i < n; i++) out[i] = (float)normal_scalar(r);
        return;
    }
    rng_rand(r, out, n);
    for (size_t i = 0; i + BLOCK <= n; i += BLOCK) normal_block(out + i);
    if (n % BLOCK) { /* torch draws the last sixteen again, over values that were already finished */
        rng_rand(r, out + n - BLOCK, BLOCK);
        normal_block(out + n - BLOCK);
    }
}

void rng_rand(rng *r, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = uniform_float(r);
}
