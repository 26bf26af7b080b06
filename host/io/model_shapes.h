/* SPDX-License-Identifier: MIT */
/* Every tensor that a configuration asks for, by diffusers name (text encoder: without "text_model."), with its shape.
 * A matrix has rank 2, also where diffusers keeps it as a 1x1 convolution: [O,I] and [O,I,1,1] are the same bytes. */
#ifndef SDCL_IO_MODEL_SHAPES_H
#define SDCL_IO_MODEL_SHAPES_H

#include "base/model_config.h"

#include <stdint.h>

/* name is valid during the call. Non-zero stops the walk and is its result. */
typedef int shape_fn(void *user, const char *name, int rank, const uint64_t *shape);

int shapes_clip(const clip_config *c, shape_fn *each, void *user);
int shapes_unet(const unet_config *c, shape_fn *each, void *user);
int shapes_vae(const vae_config *c, shape_fn *each, void *user);

#endif
