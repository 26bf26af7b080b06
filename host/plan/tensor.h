/* SPDX-License-Identifier: MIT */
/* A tensor is a small value: a view of a buffer that the plan places. Activations are NHWC; a token sequence is (n, 1, tokens, c). */
#ifndef SDCL_PLAN_TENSOR_H
#define SDCL_PLAN_TENSOR_H

#include <stdbool.h>
#include <stdint.h>

typedef enum dtype { F32, F16, U8, BF16 } dtype; /* BF16: a precision; no tensor is stored so */

typedef struct tensor {
    int buf;      /* buffer of the plan; negative: absent operand */
    uint64_t off; /* elements */
    dtype dt;
    int n, h, w, c;
    int ld; /* elements from one row (pixel, token) to the next; ld > c in a slice of a concatenation */
} tensor;

#define NO_TENSOR ((tensor){.buf = -1})

static inline int dtype_size(dtype d) { return d == F16 ? 2 : d == U8 ? 1 : 4; }
static inline bool has(tensor t) { return t.buf >= 0; }
static inline int rows_of(tensor t) { return t.n * t.h * t.w; }
static inline bool same_shape(tensor a, tensor b) { return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c; }

/* The same values in the same place? */
static inline bool same_tensor(tensor a, tensor b)
{
    return a.buf == b.buf && a.off == b.off && a.dt == b.dt && a.ld == b.ld && same_shape(a, b);
}

/* Channels [first, first + c) of t, sharing its memory. */
static inline tensor channels(tensor t, int first, int c)
{
    t.off += (uint64_t)first;
    t.c = c;
    return t;
}

/* Images [first, first + n) of t. */
static inline tensor images(tensor t, int first, int n)
{
    t.off += (uint64_t)first * (uint64_t)t.h * (uint64_t)t.w * (uint64_t)t.ld;
    t.n = n;
    return t;
}

/* Rows of pixels [first, first + h) of t, one image. */
static inline tensor lines(tensor t, int first, int h)
{
    t.off += (uint64_t)first * (uint64_t)t.w * (uint64_t)t.ld;
    t.h = h;
    return t;
}

#endif
