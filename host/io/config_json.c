/* SPDX-License-Identifier: MIT */
#include "io/config_json.h"

#include "base/error.h"
#include "io/json_read.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_MAX = 1 << 16, LAYERS_MAX = 64, VOCABULARY_MAX = 1 << 24, POSITIONS = 77 };

/* The block types of one side, names[0] or names[1] (which may be NULL) each; second[i] tells which. Returns their
 * number. */
static int read_block_types(json_reader *r, const char *key, const char *const names[2], bool *second)
{
    json_t *list = r->err ? NULL : json_object_get(r->root, key);
    size_t n = json_array_size(list);
    if (r->err) return 0;
    if (!n || n > MODEL_LEVELS_MAX) {
        r->err = FAIL(SDCL_EMODEL, "%s: %s is not a list of 1 to %d block types", r->path, key, MODEL_LEVELS_MAX);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const char *type = json_string_value(json_array_get(list, i));
        second[i] = type && names[1] && !strcmp(type, names[1]);
        if (!second[i] && (!type || strcmp(type, names[0]) != 0)) {
            r->err = FAIL(SDCL_EMODEL, "%s: %s has block type %.80s: not one of Stable Diffusion v1's", r->path, key,
                          type ? type : "that is not a string");
            return 0;
        }
    }
    return (int)n;
}

static void divisible(json_reader *r, const char *what, int value, const char *by, int divisor)
{
    if (!r->err && value % divisor)
        r->err = FAIL(SDCL_EMODEL, "%s: %s %d is not divisible by %s %d", r->path, what, value, by, divisor);
}

static void same_levels(json_reader *r, const char *key, int n, int levels)
{
    if (!r->err && n != levels)
        r->err = FAIL(SDCL_EMODEL, "%s: %d entries in %s, %d in block_out_channels", r->path, n, key, levels);
}

int config_read_clip(clip_config *c, const char *path)
{
    *c = (clip_config){0};
    json_reader r;
    json_reader_open(&r, path, CONFIG_BYTES_MAX);
    /* A configuration of CLIP as a whole holds the text tower's as a member. */
    if (!r.err && json_is_object(json_object_get(r.root, "text_config")))
        r.root = json_object_get(r.root, "text_config");
    json_expect(&r, "model_type", "\"clip_text_model\"");
    c->vocab_size = json_read_int(&r, "vocab_size", 49408, 3, VOCABULARY_MAX);
    c->hidden = json_read_int(&r, "hidden_size", 512, 1, CHANNELS_MAX);
    c->intermediate = json_read_int(&r, "intermediate_size", 2048, 1, CHANNELS_MAX);
    c->layers = json_read_int(&r, "num_hidden_layers", 12, 1, LAYERS_MAX);
    c->heads = json_read_int(&r, "num_attention_heads", 8, 1, CHANNELS_MAX);
    c->positions = json_read_int(&r, "max_position_embeddings", POSITIONS, POSITIONS, POSITIONS);
    c->layernorm_eps = (float)json_read_number(&r, "layer_norm_eps", 1e-5, FLT_MIN, 1);
    json_expect(&r, "hidden_act", "\"quick_gelu\" \"gelu\"");
    if (!strcmp(json_read_string(&r, "hidden_act", "quick_gelu"), "gelu")) c->activation = CLIP_GELU;
    divisible(&r, "hidden_size", c->hidden, "num_attention_heads", c->heads);
    return json_reader_close(&r);
}

static void read_only_cross_attention(json_reader *r)
{
    json_t *v = r->err ? NULL : json_object_get(r->root, "only_cross_attention"), *each;
    size_t i;
    if (!json_is_array(v)) {
        json_expect(r, "only_cross_attention", "false");
        return;
    }
    json_array_foreach(v, i, each) if (!json_is_false(each) && !r->err)
        r->err = FAIL(SDCL_EMODEL, "%s: only_cross_attention is not false everywhere: not supported", r->path);
}

/* context: cross_attention_dim of every level. */
static void check_unet_sizes(json_reader *r, const unet_config *c, const int *context)
{
    for (int i = 0; i < c->levels && !r->err; i++) {
        bool attention = c->down_attention[i] || c->up_attention[c->levels - 1 - i] || i == c->levels - 1;
        divisible(r, "block_out_channels", c->channels[i], "norm_num_groups", c->groups);
        if (attention)
            divisible(r, "block_out_channels", c->channels[i], "attention_head_dim (the number of heads)", c->heads[i]);
        if (context[i] != c->context)
            r->err = FAIL(SDCL_EMODEL, "%s: cross_attention_dim differs between levels: not supported", r->path);
    }
    if (!r->err && c->channels[0] % 2)
        r->err = FAIL(SDCL_EMODEL, "%s: block_out_channels[0] is %d: the time embedding needs an even number", r->path,
                      c->channels[0]);
}

/* What is computed in one way only. */
static const json_expectation unet_expected[] = {
    {"_class_name", "\"UNet2DConditionModel\""},
    {"act_fn", "\"silu\" \"swish\""},
    {"addition_embed_type", "null"},
    {"attention_type", "\"default\""},
    {"center_input_sample", "false"},
    {"class_embed_type", "null"},
    {"class_embeddings_concat", "false"},
    {"conv_in_kernel", "3"},
    {"conv_out_kernel", "3"},
    {"cross_attention_norm", "null"},
    {"downsample_padding", "1"},
    {"dual_cross_attention", "false"},
    {"encoder_hid_dim", "null"},
    {"encoder_hid_dim_type", "null"},
    {"mid_block_only_cross_attention", "false"},
    {"mid_block_scale_factor", "1 1.0"},
    {"mid_block_type", "\"UNetMidBlock2DCrossAttn\""},
    {"num_attention_heads", "null"},
    {"num_class_embeds", "null"},
    {"resnet_out_scale_factor", "1.0 1"},
    {"resnet_skip_time_act", "false"},
    {"resnet_time_scale_shift", "\"default\""},
    {"reverse_transformer_layers_per_block", "null"},
    {"time_cond_proj_dim", "null"},
    {"time_embedding_act_fn", "null"},
    {"time_embedding_dim", "null"},
    {"time_embedding_type", "\"positional\""},
    {"timestep_post_act", "null"},
    {NULL, NULL},
};

int config_read_unet(unet_config *c, const char *path)
{
    static const char *const down[2] = {"DownBlock2D", "CrossAttnDownBlock2D"};
    static const char *const up[2] = {"UpBlock2D", "CrossAttnUpBlock2D"};
    *c = (unet_config){0};
    json_reader r;
    json_reader_open(&r, path, CONFIG_BYTES_MAX);
    json_expect_all(&r, unet_expected);
    read_only_cross_attention(&r);

    c->levels = json_read_int_list(&r, "block_out_channels", 1, CHANNELS_MAX, c->channels, MODEL_LEVELS_MAX);
    same_levels(&r, "down_block_types", read_block_types(&r, "down_block_types", down, c->down_attention), c->levels);
    same_levels(&r, "up_block_types", read_block_types(&r, "up_block_types", up, c->up_attention), c->levels);
    c->mid_attention = true;
    c->in_channels = json_read_int(&r, "in_channels", 4, 1, 64);
    c->out_channels = json_read_int(&r, "out_channels", 4, 1, 64);
    c->sample_size = json_read_int(&r, "sample_size", 64, 1, 4096);
    c->groups = json_read_int(&r, "norm_num_groups", 32, 1, CHANNELS_MAX);
    c->norm_eps = (float)json_read_number(&r, "norm_eps", 1e-5, FLT_MIN, 1);
    c->flip_sin_to_cos = json_read_bool(&r, "flip_sin_to_cos", true);
    c->freq_shift = (float)json_read_number(&r, "freq_shift", 0, 0, 1);
    c->linear_projection = json_read_bool(&r, "use_linear_projection", false);
    json_read_ints(&r, "layers_per_block", 2, 1, LAYERS_MAX, c->layers_per_block, c->levels);
    json_read_ints(&r, "attention_head_dim", 8, 1, CHANNELS_MAX, c->heads, c->levels);
    json_read_ints(&r, "transformer_layers_per_block", 1, 1, LAYERS_MAX, c->transformer_layers, c->levels);
    int context[MODEL_LEVELS_MAX] = {0};
    json_read_ints(&r, "cross_attention_dim", 1280, 1, CHANNELS_MAX, context, c->levels);
    c->context = context[0];
    check_unet_sizes(&r, c, context);
    return json_reader_close(&r);
}

int config_read_vae(vae_config *c, const char *path)
{
    static const char *const down[2] = {"DownEncoderBlock2D", NULL}, *const up[2] = {"UpDecoderBlock2D", NULL};
    static const json_expectation expected[] = {
        {"_class_name", "\"AutoencoderKL\""},
        {"act_fn", "\"silu\" \"swish\""},
        {"latents_mean", "null"},
        {"latents_std", "null"},
        {"shift_factor", "null"},
        {NULL, NULL},
    };
    *c = (vae_config){0};
    json_reader r;
    json_reader_open(&r, path, CONFIG_BYTES_MAX);
    json_expect_all(&r, expected);
    bool unused[MODEL_LEVELS_MAX];
    c->levels = json_read_int_list(&r, "block_out_channels", 1, CHANNELS_MAX, c->channels, MODEL_LEVELS_MAX);
    same_levels(&r, "down_block_types", read_block_types(&r, "down_block_types", down, unused), c->levels);
    same_levels(&r, "up_block_types", read_block_types(&r, "up_block_types", up, unused), c->levels);
    c->in_channels = json_read_int(&r, "in_channels", 3, 3, 3);
    c->out_channels = json_read_int(&r, "out_channels", 3, 3, 3);
    c->latent_channels = json_read_int(&r, "latent_channels", 4, 1, 32);
    c->layers_per_block = json_read_int(&r, "layers_per_block", 1, 1, LAYERS_MAX);
    c->groups = json_read_int(&r, "norm_num_groups", 32, 1, CHANNELS_MAX);
    c->sample_size = json_read_int(&r, "sample_size", 512, 1, 1 << 15);
    c->scaling_factor = (float)json_read_number(&r, "scaling_factor", 0.18215, 1e-6, 1e6);
    c->quant_conv = json_read_bool(&r, "use_quant_conv", true);
    c->post_quant_conv = json_read_bool(&r, "use_post_quant_conv", true);
    c->mid_attention = json_read_bool(&r, "mid_block_add_attention", true);
    for (int i = 0; i < c->levels; i++)
        divisible(&r, "block_out_channels", c->channels[i], "norm_num_groups", c->groups);
    return json_reader_close(&r);
}

int config_check_parts(const char *where, const clip_config *clip, const unet_config *unet, const vae_config *vae)
{
    const int latent = vae->latent_channels;
    if (clip->hidden == 1024 && clip->activation == CLIP_GELU && unet->context == 1024)
        return FAIL(SDCL_EMODEL, "%s: Stable Diffusion 2 (text encoder 1024 wide), not v1", where);
    if (unet->context != clip->hidden)
        return FAIL(SDCL_EMODEL, "%s: the UNet's cross_attention_dim is %d, the text encoder's hidden_size %d", where,
                    unet->context, clip->hidden);
    if (unet->in_channels == 2 * latent)
        return FAIL(SDCL_EMODEL, "%s: an InstructPix2Pix UNet (%d input channels): not supported", where,
                    unet->in_channels);
    if (unet->in_channels == latent + 1)
        return FAIL(SDCL_EMODEL, "%s: a depth-to-image UNet (%d input channels): not supported", where,
                    unet->in_channels);
    if (unet->out_channels != latent || (unet->in_channels != latent && unet->in_channels != 2 * latent + 1))
        return FAIL(SDCL_EMODEL, "%s: the UNet has %d input and %d output channels, the VAE %d latent channels", where,
                    unet->in_channels, unet->out_channels, latent);
    return 0;
}
