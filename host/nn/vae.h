/* SPDX-License-Identifier: MIT */
/* The autoencoder between pictures and latents (Rombach et al. 2022; Kingma and Welling 2014). */
#ifndef SDCL_NN_VAE_H
#define SDCL_NN_VAE_H

#include "nn/resblock.h"

/* The middle of encoder and decoder: two residual blocks around single-head attention over all pixels. */
typedef struct vae_mid {
    resblock resnets[2];
    layer norm, qkv, out; /* the attention; w is NULL in a model without it */
} vae_mid;

/* One level. */
typedef struct vae_block {
    resblock *resnets; /* owned; count of them */
    int count;
    layer sampler; /* to the next level; w is NULL at the last one */
} vae_block;

typedef struct vae_decoder {
    const vae_config *config; /* borrowed */
    layer post_quant_conv;    /* w is NULL in a model without it */
    layer conv_in, conv_norm_out, conv_out;
    vae_mid mid;
    vae_block up[MODEL_LEVELS_MAX];
} vae_decoder;

typedef struct vae_encoder {
    const vae_config *config; /* borrowed */
    layer conv_in, conv_norm_out, conv_out;
    layer quant_conv; /* w is NULL in a model without it */
    vae_mid mid;
    vae_block down[MODEL_LEVELS_MAX];
} vae_encoder;

/* Both c and the model behind p outlive what is loaded. The free functions accept a zeroed one. */
int vae_decoder_load(vae_decoder *d, const params *p, const vae_config *c);
void vae_decoder_free(vae_decoder *d);
int vae_encoder_load(vae_encoder *e, const params *p, const vae_config *c);
void vae_encoder_free(vae_encoder *e);

/* latent (n,h,w,latent_channels) in activation type, already divided by scaling_factor -> out (n,H,W,out_channels) F32,
 * about -1..1; H = h << (levels - 1). strip: 0, or rows of the latent that the last two levels compute at a time (n = 1): the same picture in
 * two thirds of the memory or less, for about twice the work (vae_strips.c). */
int vae_decode_forward(plan *p, const vae_decoder *d, tensor latent, tensor out, int strip);
/* strip, or 0 where strips of that height would not be lower than a picture of h rows with what they compute around themselves. */
int vae_strip_of(const vae_decoder *d, int h, int strip);

/* picture (n,H,W,in_channels) in activation type, -1..1, H and W multiples of 1 << (levels - 1)
 * -> moments (n,h,w,2*latent_channels) F32: mean, then logarithm of the variance (not clamped). */
int vae_encode_forward(plan *p, const vae_encoder *e, tensor picture, tensor moments);

/* --- shared by both --- */

extern const float vae_norm_eps;

/* A level above the first in strips of `rows` rows (even; before its upsampling: x is the level below), and the last convolution. */
int vae_strips_level(plan *p, tensor *y, tensor x, const vae_decoder *d, int level, int rows);
int vae_strips_out(plan *p, tensor out, tensor x, const vae_decoder *d, int rows);

int vae_mid_load(vae_mid *m, const params *p, const char *at);
int vae_mid_forward(plan *p, tensor y, tensor x, const vae_mid *m, int groups);
int vae_block_load(vae_block *b, const params *p, const char *at, int resnets, const char *sampler);
/* The residual blocks alone. x is lost: *y may lie in its memory. */
int vae_block_forward(plan *p, tensor *y, tensor x, const vae_block *b, int groups);

#endif
