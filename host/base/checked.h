/* SPDX-License-Identifier: MIT */
/* The one place where numbers from files are added and multiplied. Each returns false, and leaves *r alone, on overflow. */
#ifndef SDCL_BASE_CHECKED_H
#define SDCL_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add(uint64_t *r, uint64_t a, uint64_t b)
{
    uint64_t v;
    if (__builtin_add_overflow(a, b, &v)) return false;
    *r = v;
    return true;
}

static inline bool checked_mul(uint64_t *r, uint64_t a, uint64_t b)
{
    uint64_t v;
    if (__builtin_mul_overflow(a, b, &v)) return false;
    *r = v;
    return true;
}

/* Product of n dimensions; any zero makes it zero, but an overflow among the others is still refused. */
static inline bool checked_product(uint64_t *r, const uint64_t *dims, int n)
{
    uint64_t p = 1;
    bool zero = false;
    for (int i = 0; i < n; i++) {
        if (!dims[i]) zero = true;
        else if (!checked_mul(&p, p, dims[i])) return false;
    }
    *r = zero ? 0 : p;
    return true;
}

#endif
