/* SPDX-License-Identifier: MIT */
/* A Stable Diffusion model on disk, whatever its format: three parts of named tensors in diffusers' names, and their configurations. */
#ifndef SDCL_IO_MODEL_H
#define SDCL_IO_MODEL_H

#include "base/model_config.h"
#include "io/tensor_file.h"
#include "sdcl.h"

typedef enum model_part { PART_TEXT, PART_UNET, PART_VAE, PART_COUNT } model_part;

typedef struct model model;

/* Which of the UNet's weights, where a checkpoint has both: those of training, or their exponential moving average. */
typedef enum model_ema {
    EMA_AUTO, /* the plain ones, as CompVis, A1111 and diffusers' converter do; the average where there is nothing else */
    EMA_ON,   /* the average; refused where the model has none */
    EMA_OFF   /* the plain ones; refused where the model has none */
} model_ema;

/* Where a model comes from; the strings are read during model_open alone. */
typedef struct model_source {
    const char *path; /* a diffusers folder, or a single CompVis file, .safetensors or .ckpt */
    const char
        *config_dir; /* folder with configs and tokenizer for a single file whose sizes are not SD v1's; or NULL */
    const char *vae; /* a VAE in place of the model's: folder with config.json, or file; or NULL */
    model_ema ema;
} model_source;

/* Checks that every tensor the configs ask for is there with its shape. SDCL_EMODEL otherwise. */
int model_open(model **m, const model_source *source);
/* A model that no file holds, of the given sizes (NULL: Stable Diffusion v1's): seeded random f16 weights, made as they are read. Matrices
 * and kernels have a variance of 1/inputs, so that activations stay near one; norms are about 1, biases about 0. */
int model_open_random(model **m, const clip_config *clip, const unet_config *unet, const vae_config *vae);
void model_close(model **m);

const char *model_path(const model *m);
const clip_config *model_clip(const model *m);
const unet_config *model_unet(const model *m);
const vae_config *model_vae(const model *m);
const scheduler_config *model_scheduler(const model *m);
/* Folder that holds vocab.json and merges.txt; NULL: use the built-in CLIP vocabulary. */
const char *model_tokenizer_dir(const model *m);
/* Compares the checksums of all tensors in use, where the files have them. */
int model_verify(const model *m);
/* Fills in everything sdcl_inspect reports. */
void model_describe(const model *m, sdcl_model_info *info);

/* A tensor by its diffusers name within a part ("down_blocks.0.resnets.0.conv1.weight"); *file is where to read it. VAE attention
 * is found as to_q/to_k/to_v/to_out.0, whichever of the three naming schemes the file uses. NULL: absent (only optional tensors can be). */
const file_tensor *model_find(const model *m, model_part part, const char *name, const tensor_file **file);
/* The file that holds a part (the first shard of several): for hashes and messages. */
const char *model_part_path(const model *m, model_part part);

#endif
