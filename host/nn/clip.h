/* SPDX-License-Identifier: MIT */
/* CLIP's text encoder (Radford et al. 2021): a causal transformer over 77 tokens. */
#ifndef SDCL_NN_CLIP_H
#define SDCL_NN_CLIP_H

#include "nn/layer.h"
#include "nn/embedding.h"

typedef struct clip_layer {
    layer norm1, qkv, out, norm2, fc1, fc2;
} clip_layer;

typedef struct clip {
    const clip_config *config; /* borrowed */
    embedding token, position;
    clip_layer *layers; /* owned; config->layers of them */
    layer final_norm;
} clip;

/* Both c and the model behind p outlive the clip. clip_free accepts a zeroed one. */
int clip_load(clip *m, const params *p, const clip_config *c);
void clip_free(clip *m);

/* ids (n,t) -> embeddings (n,t,hidden): those of tokens plus those of positions, t <= positions. On the host. */
int clip_embed(clip *m, const int32_t *ids, int n, int t, float *embeddings);
/* embeddings (n,1,t,hidden) F32 -> context (n,1,t,hidden) F32 or activation type: every token's state after the final LayerNorm. */
int clip_forward(plan *p, const clip *m, tensor embeddings, tensor context);

#endif
