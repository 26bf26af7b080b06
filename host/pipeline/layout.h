/* SPDX-License-Identifier: MIT */
/* The device keeps NHWC; PyTorch, and so noise and dumps, NCHW. */
#ifndef SDCL_PIPELINE_LAYOUT_H
#define SDCL_PIPELINE_LAYOUT_H

#include <stddef.h>

static inline void nhwc_to_nchw(float *to, const float *from, int n, int hw, int c)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c; k++)
            for (int p = 0; p < hw; p++) *to++ = from[((size_t)i * (size_t)hw + (size_t)p) * (size_t)c + (size_t)k];
}

static inline void nchw_to_nhwc(float *to, const float *from, int n, int hw, int c)
{
    for (int i = 0; i < n; i++)
        for (int p = 0; p < hw; p++)
            for (int k = 0; k < c; k++) *to++ = from[((size_t)i * (size_t)c + (size_t)k) * (size_t)hw + (size_t)p];
}

#endif
