/* SPDX-License-Identifier: MIT */
/* torch's CPU generator: MT19937, and torch.randn's float32 stream bit for bit (AVX2 / AVX-512 builds of PyTorch on x86). */
#ifndef SDCL_SAMPLER_RNG_H
#define SDCL_SAMPLER_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rng {
    uint32_t state[624];
    int next;
    bool has_cached; /* second value of the scalar path, kept across calls as torch does */
    double cached;
} rng;

/* torch.Generator("cpu").manual_seed(seed): the low 32 bits count. */
void rng_seed(rng *r, uint64_t seed);
uint32_t rng_u32(rng *r);
uint64_t rng_u64(rng *r);
/* torch.randn(n) and torch.rand(n), float32. Filling a (B, 4, h, w) tensor is one call with n = B*4*h*w, in NCHW order. */
void rng_randn(rng *r, float *out, size_t n);
void rng_rand(rng *r, float *out, size_t n);

#endif
