/* SPDX-License-Identifier: MIT */
/* Writes a model to disk in the forms in which Stable Diffusion v1 is passed around. The names and ranks are those of the original programs,
 * made here the other way round than the loader reads them. What cannot be written ends the program. */
#ifndef SDCL_TESTS_MODEL_WRITER_H
#define SDCL_TESTS_MODEL_WRITER_H

#include "io/model.h"

#include <stdbool.h>

typedef enum writer_form {
    FORM_COMPVIS,     /* one .safetensors file with the names of the original release */
    FORM_FOLDER,      /* a diffusers folder with its configurations; no tokenizer: the vocabulary is CLIP's own */
    FORM_EARLY_FOLDER /* the same as early diffusers wrote it: the VAE's attention as query, key, value, proj_attn */
} writer_form;

/* A model of SD v1's structure (levels, layers, names) and small width, with random weights; a few megabytes, nearly all of them CLIP's vocabulary. */
model *small_model(void);
/* m: of a model whose UNet and VAE have SD v1's structure. path: the file, or the folder to be made. f32: values are widened. */
void model_write(const model *m, const char *path, writer_form form, bool f32);

#endif
