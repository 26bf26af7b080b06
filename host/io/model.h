/* SPDX-License-Identifier: MIT */
/* A Stable Diffusion model on disk, whatever its format: three parts of named tensors in diffusers' names, and their configurations. */
#ifndef SDCL_IO_MODEL_H
#define SDCL_IO_MODEL_H

#include "io/tensor_file.h"
#include "sdcl.h"

#include <stdbool.h>

enum { MODEL_LEVELS_MAX = 8 };

typedef enum model_part { PART_TEXT, PART_UNET, PART_VAE, PART_COUNT } model_part;

typedef enum clip_activation { CLIP_QUICK_GELU, CLIP_GELU } clip_activation;

typedef struct clip_config {
    int vocab_size, hidden, intermediate, layers, heads, positions;
    float layernorm_eps;
    clip_activation activation;
} clip_config;

typedef struct unet_config {
    int in_channels, out_channels, sample_size;
    int levels;
    int channels[MODEL_LEVELS_MAX];
    bool down_attention[MODEL_LEVELS_MAX]; /* CrossAttnDownBlock2D */
    bool up_attention[MODEL_LEVELS_MAX];   /* in the order of up_block_types: deepest level first */
    bool mid_attention;
    int layers_per_block[MODEL_LEVELS_MAX];
    int heads[MODEL_LEVELS_MAX];              /* number of heads per level (attention_head_dim of SD v1) */
    int transformer_layers[MODEL_LEVELS_MAX];
    int groups;
    float norm_eps;
    int context;              /* cross_attention_dim */
    bool flip_sin_to_cos;
    float freq_shift;
    bool linear_projection;   /* proj_in / proj_out are linear; informative, shapes decide */
} unet_config;

typedef struct vae_config {
    int in_channels, out_channels, latent_channels;
    int levels;
    int channels[MODEL_LEVELS_MAX];
    int layers_per_block, groups;
    int sample_size;
    float scaling_factor;
    bool quant_conv, post_quant_conv, mid_attention;
} vae_config;

/* A model's scheduler_config.json; values that the file leaves out are diffusers' defaults of its class. */
typedef struct scheduler_config {
    char class_name[64];       /* "PNDMScheduler" */
    int train_timesteps;
    double beta_start, beta_end;
    char beta_schedule[32];    /* "scaled_linear", "linear", "squaredcos_cap_v2" */
    double *trained_betas;     /* train_timesteps values, owned by the model; or NULL */
    char prediction_type[32];  /* "epsilon", "v_prediction", "sample" */
    char timestep_spacing[16]; /* "leading", "trailing", "linspace"; "" where the file does not say */
    int steps_offset;
    bool clip_sample;
    double clip_sample_range;
    bool set_alpha_to_one;
    bool skip_prk_steps;
    bool thresholding;
    bool rescale_betas_zero_snr;
    bool use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas;
    char algorithm_type[32];   /* DPMSolverMultistep: "dpmsolver++" ...; "" where the file does not say */
    char solver_type[32];
    int solver_order;          /* 0 where the file does not say */
    bool lower_order_final, lower_order_final_set, euler_at_final, use_lu_lambdas;
    char final_sigmas_type[16];
    char variance_type[32];
} scheduler_config;

typedef struct model model;

/* path: a diffusers folder, or a single CompVis .safetensors file. config_dir: folder with configs and tokenizer for a single file whose
 * sizes are not SD v1's; NULL otherwise. Checks that every tensor the configs ask for is there with its shape. SDCL_EMODEL otherwise. */
int model_open(model **m, const char *path, const char *config_dir);
void model_close(model **m);

const char *model_path(const model *m);
const clip_config *model_clip(const model *m);
const unet_config *model_unet(const model *m);
const vae_config *model_vae(const model *m);
const scheduler_config *model_scheduler(const model *m);
/* Folder that holds vocab.json and merges.txt; NULL: use the built-in CLIP vocabulary. */
const char *model_tokenizer_dir(const model *m);
/* Fills in everything sdcl_inspect reports. */
void model_describe(const model *m, sdcl_model_info *info);

/* A tensor by its diffusers name within a part ("down_blocks.0.resnets.0.conv1.weight"); *file is where to read it. VAE attention
 * is found as to_q/to_k/to_v/to_out.0, whichever of the three naming schemes the file uses. NULL: absent (only optional tensors can be). */
const file_tensor *model_find(const model *m, model_part part, const char *name, const tensor_file **file);
/* The file that holds a part (the first shard of several): for hashes and messages. */
const char *model_part_path(const model *m, model_part part);

#endif
