/* SPDX-License-Identifier: MIT */
/* The noise predictor (Ho et al. 2020; Rombach et al. 2022): a U of residual blocks and spatial transformers with skip
 * connections. */
#ifndef SDCL_NN_UNET_H
#define SDCL_NN_UNET_H

#include "nn/resblock.h"
#include "nn/transformer.h"

/* One level of a path, or the middle. */
typedef struct unet_block {
    char name[32];           /* "down_blocks.0" */
    resblock *resnets;       /* owned; count of them */
    transformer *attentions; /* owned, attention_count of them; NULL without attention */
    int count, attention_count;
    layer sampler; /* to the next level; w is NULL at the last one */
} unet_block;

typedef struct unet {
    const unet_config *config; /* borrowed */
    layer conv_in, time1, time2, conv_norm_out, conv_out;
    layer time_proj; /* time_emb_proj of all residual blocks, stacked */
    unet_block down[MODEL_LEVELS_MAX], mid, up[MODEL_LEVELS_MAX];
    const layer **kv; /* owned array: to_k|to_v of each cross-attention layer, in the order in which they run */
    int kv_count;
} unet;

/* Both c and the model behind p outlive the unet. unet_free accepts a zeroed one. */
int unet_load(unet *u, const params *p, const unet_config *c);
void unet_free(unet *u);

/* Cross-attention layers, and the channels that keys and values of layer i have together. */
int unet_cross_layers(const unet *u);
int unet_cross_width(const unet *u, int i);

/* Once per prompt: context (n,1,tokens,D) -> kv[unet_cross_layers], each (n,1,tokens,unet_cross_width), activation
 * type. */
int unet_prologue_forward(plan *p, const unet *u, tensor context, const tensor *kv);

/* What the residual blocks add: a row of unet_time_width values for every timestep. t (n,1,1,1) F32 -> time (n,1,1,unet_time_width) F32. */
int unet_time_width(const unet *u);
int unet_time_forward(plan *p, const unet *u, tensor t, tensor time);

/* latents (n,h,w,in_channels) in activation type, any h and w; time (n,1,1,unet_time_width) F32, or (1,...) for all; kv
 * as above -> eps (n,h,w,out_channels) F32. */
int unet_forward(plan *p, const unet *u, tensor latents, tensor time, const tensor *kv, tensor eps);

#endif
