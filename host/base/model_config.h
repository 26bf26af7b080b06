/* SPDX-License-Identifier: MIT */
/* The sizes and constants of a model, as its config.json files give them. */
#ifndef SDCL_BASE_MODEL_CONFIG_H
#define SDCL_BASE_MODEL_CONFIG_H

#include <stdbool.h>

enum { MODEL_LEVELS_MAX = 8 };

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
    int heads[MODEL_LEVELS_MAX]; /* number of heads per level (attention_head_dim of SD v1) */
    int transformer_layers[MODEL_LEVELS_MAX];
    int groups;
    float norm_eps;
    int context; /* cross_attention_dim */
    bool flip_sin_to_cos;
    float freq_shift;
    bool linear_projection; /* proj_in / proj_out are linear; informative, shapes decide */
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

/* A switch that a file may leave open. */
typedef enum toggle { TOGGLE_UNSET, TOGGLE_OFF, TOGGLE_ON } toggle;

static inline bool toggle_is_on(toggle t, bool unset) { return t == TOGGLE_UNSET ? unset : t == TOGGLE_ON; }

/* A model's scheduler_config.json. What the file leaves out is the default of the class that samples, whichever class wrote the file:
 * where diffusers' classes differ, the value here is "", 0 or TOGGLE_UNSET, and the sampler says which it is. */
typedef struct scheduler_config {
    char class_name[64]; /* "PNDMScheduler" */
    int train_timesteps;
    double beta_start, beta_end;
    char beta_schedule[32];    /* "scaled_linear", "linear", "squaredcos_cap_v2" */
    double *trained_betas;     /* train_timesteps values, owned by the model; or NULL */
    char prediction_type[32];  /* "epsilon", "v_prediction", "sample" */
    char timestep_spacing[16]; /* "leading", "trailing", "linspace"; "" where the file does not say */
    int steps_offset;
    toggle clip_sample;
    double clip_sample_range;
    toggle set_alpha_to_one;
    bool skip_prk_steps;
    bool thresholding;
    bool rescale_betas_zero_snr;
    bool use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas;
    char algorithm_type[32]; /* DPMSolverMultistep: "dpmsolver++" ...; "" where the file does not say */
    char solver_type[32];
    int solver_order; /* 0 where the file does not say */
    toggle lower_order_final;
    bool euler_at_final, use_lu_lambdas;
    char final_sigmas_type[16];
    char variance_type[32];
} scheduler_config;

#endif
