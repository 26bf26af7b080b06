/* SPDX-License-Identifier: MIT */
/* Tensor names of the original Stable Diffusion release (one file with three prefixes) and their diffusers names. */
#ifndef SDCL_IO_COMPVIS_NAMES_H
#define SDCL_IO_COMPVIS_NAMES_H

#include "base/model_config.h"

#include <stdbool.h>
#include <stddef.h>

/* name is without the part's prefix. Writes the diffusers name to out[size]; false: the name is none of the
 * architecture's, or too long. The UNet numbers its blocks through, so the number of layers a level decides what a
 * number means. */
bool compvis_unet_name(const unet_config *c, const char *name, char *out, size_t size);
bool compvis_vae_name(const vae_config *c, const char *name, char *out, size_t size);
/* The VAE's attention has three sets of names: CompVis' (q, k, v, proj_out; compvis_vae_name leaves them), those of
 * early diffusers (query, key, value, proj_attn) and to_q, to_k, to_v, to_out.0. Writes the last; other names are
 * copied. */
bool vae_attention_name(const char *name, char *out, size_t size);

#endif
