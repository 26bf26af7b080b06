/* SPDX-License-Identifier: MIT */
/* The residual block of UNet and VAE. */
#ifndef SDCL_NN_RESBLOCK_H
#define SDCL_NN_RESBLOCK_H

#include "nn/layer.h"

typedef struct resblock {
    layer norm1, conv1, norm2, conv2, conv_shortcut; /* conv_shortcut.w is NULL where the channels stay the same */
    int first;                                       /* its rows in the stacked time_emb_proj */
} resblock;

/* time collects the blocks' time_emb_proj; NULL for a VAE, which has none. */
int resblock_load(resblock *b, const params *p, const char *at, layer_stack *time);

static inline int resblock_channels(const resblock *b) { return b->conv1.w->rows; }

/* x (n,h,w,c1) -> y (n,h,w,c2) = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + row))). row (n,1,1,c2) F32: the time embedding's contribution, or
 * NO_TENSOR. */
int resblock_forward(plan *p, tensor y, tensor x, tensor row, const resblock *b, int groups, float eps);

/* The same without a time embedding, to the bit, in the memory of x, which is lost: *y begins where x did. c2 <= c1, x dense. */
int resblock_replace(plan *p, tensor *y, tensor x, const resblock *b, int groups, float eps);

#endif
