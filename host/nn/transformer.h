/* SPDX-License-Identifier: MIT */
/* The spatial transformer of latent diffusion (Rombach et al. 2022): pixels are tokens that attend to each other and to
 * the context. */
#ifndef SDCL_NN_TRANSFORMER_H
#define SDCL_NN_TRANSFORMER_H

#include "nn/layer.h"

typedef struct transformer_block {
    layer norm1, qkv, out1; /* self-attention */
    layer norm2, q, out2;   /* cross-attention */
    layer kv;               /* its keys and values: run in the prologue, so that the name is the whole path */
    layer norm3, ff1, ff2;
} transformer_block;

typedef struct transformer {
    layer norm, proj_in, proj_out;
    transformer_block *blocks; /* owned */
    int depth, heads;
} transformer;

int transformer_load(transformer *t, const params *p, const char *at, int depth, int heads);
void transformer_free(transformer *t);

/* x (n,h,w,c) -> y of the same shape, not x. kv[depth]: per block (n,1,tokens,2c), keys and values of the context side
 * by side. */
int transformer_forward(plan *p, tensor y, tensor x, const tensor *kv, const transformer *t, int groups);

#endif
