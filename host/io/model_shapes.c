/* SPDX-License-Identifier: MIT */
#include "io/model_shapes.h"

#include <stdarg.h>
#include <stdio.h>

/* A walk over modules: err latches. */
typedef struct walk {
    shape_fn *each;
    void *user;
    int err;
    int temb, context; /* temb: width of the time embedding, 0 in the VAE */
} walk;

enum { NAME_MAX_BYTES = 128 };
typedef struct module {
    char name[NAME_MAX_BYTES];
} module;

__attribute__((format(printf, 1, 2))) static module module_at(const char *format, ...)
{
    module m;
    va_list ap;
    va_start(ap, format);
    vsnprintf(m.name, sizeof m.name, format, ap);
    va_end(ap);
    return m;
}

static void tensor(walk *w, const char *at, const char *leaf, int rank, int a, int b, int kernel)
{
    char name[2 * NAME_MAX_BYTES];
    const uint64_t shape[4] = {(uint64_t)a, (uint64_t)b, (uint64_t)kernel, (uint64_t)kernel};
    snprintf(name, sizeof name, "%s%s", at, leaf);
    if (!w->err) w->err = w->each(w->user, name, rank, shape);
}

static void vector(walk *w, const char *at, const char *leaf, int n) { tensor(w, at, leaf, 1, n, 0, 0); }
static void matrix(walk *w, const char *at, const char *leaf, int out, int in) { tensor(w, at, leaf, 2, out, in, 0); }

static void norm(walk *w, const char *at, int channels)
{
    vector(w, at, ".weight", channels);
    vector(w, at, ".bias", channels);
}

/* A linear layer or 1x1 convolution with bias. */
static void linear(walk *w, const char *at, int out, int in)
{
    matrix(w, at, ".weight", out, in);
    vector(w, at, ".bias", out);
}

static void conv3x3(walk *w, const char *at, int out, int in)
{
    tensor(w, at, ".weight", 4, out, in, 3);
    vector(w, at, ".bias", out);
}

static void resnet(walk *w, const char *at, int out, int in)
{
    norm(w, module_at("%s.norm1", at).name, in);
    conv3x3(w, module_at("%s.conv1", at).name, out, in);
    if (w->temb) linear(w, module_at("%s.time_emb_proj", at).name, out, w->temb);
    norm(w, module_at("%s.norm2", at).name, out);
    conv3x3(w, module_at("%s.conv2", at).name, out, out);
    if (in != out) linear(w, module_at("%s.conv_shortcut", at).name, out, in);
}

static void cross_attention(walk *w, const char *at, int c, int context)
{
    matrix(w, at, ".to_q.weight", c, c);
    matrix(w, at, ".to_k.weight", c, context);
    matrix(w, at, ".to_v.weight", c, context);
    linear(w, module_at("%s.to_out.0", at).name, c, c);
}

static void transformer(walk *w, const char *at, int c, int layers)
{
    norm(w, module_at("%s.norm", at).name, c);
    linear(w, module_at("%s.proj_in", at).name, c, c);
    for (int i = 0; i < layers; i++) {
        module block = module_at("%s.transformer_blocks.%d", at, i);
        norm(w, module_at("%s.norm1", block.name).name, c);
        cross_attention(w, module_at("%s.attn1", block.name).name, c, c);
        norm(w, module_at("%s.norm2", block.name).name, c);
        cross_attention(w, module_at("%s.attn2", block.name).name, c, w->context);
        norm(w, module_at("%s.norm3", block.name).name, c);
        linear(w, module_at("%s.ff.net.0.proj", block.name).name, 8 * c, c);
        linear(w, module_at("%s.ff.net.2", block.name).name, c, 4 * c);
    }
    linear(w, module_at("%s.proj_out", at).name, c, c);
}

int shapes_clip(const clip_config *c, shape_fn *each, void *user)
{
    static const char *const projections[] = {"q_proj", "k_proj", "v_proj", "out_proj"};
    walk w = {.each = each, .user = user};
    matrix(&w, "embeddings", ".token_embedding.weight", c->vocab_size, c->hidden);
    matrix(&w, "embeddings", ".position_embedding.weight", c->positions, c->hidden);
    for (int i = 0; i < c->layers; i++) {
        module layer = module_at("encoder.layers.%d", i);
        norm(&w, module_at("%s.layer_norm1", layer.name).name, c->hidden);
        for (int j = 0; j < 4; j++)
            linear(&w, module_at("%s.self_attn.%s", layer.name, projections[j]).name, c->hidden, c->hidden);
        norm(&w, module_at("%s.layer_norm2", layer.name).name, c->hidden);
        linear(&w, module_at("%s.mlp.fc1", layer.name).name, c->intermediate, c->hidden);
        linear(&w, module_at("%s.mlp.fc2", layer.name).name, c->hidden, c->intermediate);
    }
    norm(&w, "final_layer_norm", c->hidden);
    return w.err;
}

static void unet_down(walk *w, const unet_config *c)
{
    for (int level = 0; level < c->levels; level++) {
        const int out = c->channels[level];
        int in = c->channels[level ? level - 1 : 0];
        for (int j = 0; j < c->layers_per_block[level]; j++, in = out) {
            resnet(w, module_at("down_blocks.%d.resnets.%d", level, j).name, out, in);
            if (c->down_attention[level])
                transformer(w, module_at("down_blocks.%d.attentions.%d", level, j).name, out,
                            c->transformer_layers[level]);
        }
        if (level < c->levels - 1) conv3x3(w, module_at("down_blocks.%d.downsamplers.0.conv", level).name, out, out);
    }
}

static void unet_up(walk *w, const unet_config *c)
{
    int h = c->channels[c->levels - 1];
    for (int i = 0; i < c->levels; i++) {
        const int level = c->levels - 1 - i, out = c->channels[level], layers = c->layers_per_block[level] + 1;
        for (int j = 0; j < layers; j++, h = out) {
            /* The last skip of a level is the output of the downsampler above it, or of conv_in. */
            int skip = j < layers - 1 ? out : c->channels[level ? level - 1 : 0];
            resnet(w, module_at("up_blocks.%d.resnets.%d", i, j).name, out, h + skip);
            if (c->up_attention[i])
                transformer(w, module_at("up_blocks.%d.attentions.%d", i, j).name, out, c->transformer_layers[level]);
        }
        if (level) conv3x3(w, module_at("up_blocks.%d.upsamplers.0.conv", i).name, out, out);
    }
}

int shapes_unet(const unet_config *c, shape_fn *each, void *user)
{
    const int first = c->channels[0], last = c->channels[c->levels - 1];
    walk w = {.each = each, .user = user, .temb = 4 * first, .context = c->context};
    conv3x3(&w, "conv_in", first, c->in_channels);
    linear(&w, "time_embedding.linear_1", w.temb, first);
    linear(&w, "time_embedding.linear_2", w.temb, w.temb);
    unet_down(&w, c);
    resnet(&w, "mid_block.resnets.0", last, last);
    if (c->mid_attention) transformer(&w, "mid_block.attentions.0", last, c->transformer_layers[c->levels - 1]);
    resnet(&w, "mid_block.resnets.1", last, last);
    unet_up(&w, c);
    norm(&w, "conv_norm_out", first);
    conv3x3(&w, "conv_out", c->out_channels, first);
    return w.err;
}

static void vae_mid(walk *w, const char *side, const vae_config *c)
{
    const int width = c->channels[c->levels - 1];
    resnet(w, module_at("%s.mid_block.resnets.0", side).name, width, width);
    if (c->mid_attention) {
        module at = module_at("%s.mid_block.attentions.0", side);
        norm(w, module_at("%s.group_norm", at.name).name, width);
        linear(w, module_at("%s.to_q", at.name).name, width, width);
        linear(w, module_at("%s.to_k", at.name).name, width, width);
        linear(w, module_at("%s.to_v", at.name).name, width, width);
        linear(w, module_at("%s.to_out.0", at.name).name, width, width);
    }
    resnet(w, module_at("%s.mid_block.resnets.1", side).name, width, width);
}

int shapes_vae(const vae_config *c, shape_fn *each, void *user)
{
    const int first = c->channels[0], last = c->channels[c->levels - 1], latent = c->latent_channels;
    walk w = {.each = each, .user = user};

    conv3x3(&w, "encoder.conv_in", first, c->in_channels);
    for (int level = 0, in = first; level < c->levels; level++) {
        const int out = c->channels[level];
        for (int j = 0; j < c->layers_per_block; j++, in = out)
            resnet(&w, module_at("encoder.down_blocks.%d.resnets.%d", level, j).name, out, in);
        if (level < c->levels - 1)
            conv3x3(&w, module_at("encoder.down_blocks.%d.downsamplers.0.conv", level).name, out, out);
    }
    vae_mid(&w, "encoder", c);
    norm(&w, "encoder.conv_norm_out", last);
    conv3x3(&w, "encoder.conv_out", 2 * latent, last);
    if (c->quant_conv) linear(&w, "quant_conv", 2 * latent, 2 * latent);

    if (c->post_quant_conv) linear(&w, "post_quant_conv", latent, latent);
    conv3x3(&w, "decoder.conv_in", last, latent);
    vae_mid(&w, "decoder", c);
    for (int i = 0, in = last; i < c->levels; i++) {
        const int level = c->levels - 1 - i, out = c->channels[level];
        for (int j = 0; j < c->layers_per_block + 1; j++, in = out)
            resnet(&w, module_at("decoder.up_blocks.%d.resnets.%d", i, j).name, out, in);
        if (level) conv3x3(&w, module_at("decoder.up_blocks.%d.upsamplers.0.conv", i).name, out, out);
    }
    norm(&w, "decoder.conv_norm_out", first);
    conv3x3(&w, "decoder.conv_out", c->out_channels, first);
    return w.err;
}
