/* SPDX-License-Identifier: MIT */
/* Element types of files -> storage types. One loop a pair, so that compilers make vectors of them. */
#include "base/half.h"
#include "plan/weights.h"

#include <string.h>

#define LOOP(FROM, TO, EXPRESSION)                                                                                     \
    for (uint64_t i = 0; i < n; i++) {                                                                                 \
        FROM v;                                                                                                        \
        memcpy(&v, (const char *)src + i * sizeof v, sizeof v);                                                        \
        TO r = EXPRESSION;                                                                                             \
        memcpy((char *)dst + i * sizeof r, &r, sizeof r);                                                              \
    }

void weight_convert(void *dst, dtype to, const void *src, weight_dtype from, uint64_t n)
{
    if (to == F16) {
        switch (from) {
        case WEIGHT_F64: LOOP(double, uint16_t, float_to_half((float)v)); break;
        case WEIGHT_F32: LOOP(float, uint16_t, float_to_half(v)); break;
        case WEIGHT_F16: memcpy(dst, src, n * 2); break;
        case WEIGHT_BF16: LOOP(uint16_t, uint16_t, float_to_half(bf16_to_float(v))); break;
        }
        return;
    }
    switch (from) {
    case WEIGHT_F64: LOOP(double, float, (float)v); break;
    case WEIGHT_F32: memcpy(dst, src, n * 4); break;
    case WEIGHT_F16: LOOP(uint16_t, float, half_to_float(v)); break;
    case WEIGHT_BF16: LOOP(uint16_t, float, bf16_to_float(v)); break;
    }
}
