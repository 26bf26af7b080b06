/* SPDX-License-Identifier: MIT */
#include "io/config_json.h"

const clip_config sd_v1_clip = {
    .vocab_size = 49408,
    .hidden = 768,
    .intermediate = 3072,
    .layers = 12,
    .heads = 12,
    .positions = 77,
    .layernorm_eps = 1e-5f,
    .activation = CLIP_QUICK_GELU,
};

const unet_config sd_v1_unet = {
    .in_channels = 4,
    .out_channels = 4,
    .sample_size = 64,
    .levels = 4,
    .channels = {320, 640, 1280, 1280},
    .down_attention = {true, true, true, false},
    .up_attention = {false, true, true, true},
    .mid_attention = true,
    .layers_per_block = {2, 2, 2, 2},
    .heads = {8, 8, 8, 8},
    .transformer_layers = {1, 1, 1, 1},
    .groups = 32,
    .norm_eps = 1e-5f,
    .context = 768,
    .flip_sin_to_cos = true,
    .freq_shift = 0,
};

const vae_config sd_v1_vae = {
    .in_channels = 3,
    .out_channels = 3,
    .latent_channels = 4,
    .levels = 4,
    .channels = {128, 256, 512, 512},
    .layers_per_block = 2,
    .groups = 32,
    .sample_size = 512,
    .scaling_factor = 0.18215f,
    .quant_conv = true,
    .post_quant_conv = true,
    .mid_attention = true,
};

const scheduler_config sd_v1_scheduler = {
    .class_name = "PNDMScheduler",
    .train_timesteps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .beta_schedule = "scaled_linear",
    .prediction_type = "epsilon",
    .steps_offset = 1,
    .clip_sample = TOGGLE_OFF,
    .clip_sample_range = 1,
    .set_alpha_to_one = TOGGLE_OFF,
    .skip_prk_steps = true,
};
