/* SPDX-License-Identifier: MIT */
#include "io/compvis_names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct renaming {
    const char *from, *to;
} renaming;

/* Steps over a prefix, or leaves *s alone. */
static bool take(const char **s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(*s, prefix, n) != 0) return false;
    *s += n;
    return true;
}

/* Steps over "N." with N of at most three digits. */
static bool take_index(const char **s, int *i)
{
    const char *p = *s;
    int n = 0;
    while (*p >= '0' && *p <= '9' && p - *s < 3) n = 10 * n + *p++ - '0';
    if (p == *s || *p != '.') return false;
    *s = p + 1;
    *i = n;
    return true;
}

__attribute__((format(printf, 3, 4))) static bool write(char *out, size_t size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(out, size, format, ap);
    va_end(ap);
    return n >= 0 && (size_t)n < size;
}

/* rest with its first matching prefix replaced, behind module. */
static bool rename_rest(const char *module, const renaming *list, const char *rest, char *out, size_t size)
{
    for (; list->from; list++)
        if (take(&rest, list->from)) return write(out, size, "%s%s%s", module, list->to, rest);
    return false;
}

static const renaming unet_resnet[] = {
    {"in_layers.0.", "norm1."},
    {"in_layers.2.", "conv1."},
    {"emb_layers.1.", "time_emb_proj."},
    {"out_layers.0.", "norm2."},
    {"out_layers.3.", "conv2."},
    {"skip_connection.", "conv_shortcut."},
    {NULL, NULL},
};

/* input_blocks.N: conv_in, then for each level its layers and a downsampler. */
static bool input_block(const unet_config *c, int n, const char *rest, char *out, size_t size)
{
    int level = 0, slot;
    char module[64];
    if (!n) return take(&rest, "0.") && write(out, size, "conv_in.%s", rest);
    for (n--; level < c->levels && n > c->layers_per_block[level]; level++) n -= c->layers_per_block[level] + 1;
    if (level == c->levels || !take_index(&rest, &slot)) return false;
    if (n == c->layers_per_block[level])
        return slot == 0 && take(&rest, "op.") &&
               write(out, size, "down_blocks.%d.downsamplers.0.conv.%s", level, rest);
    if (slot == 1) return write(out, size, "down_blocks.%d.attentions.%d.%s", level, n, rest);
    snprintf(module, sizeof module, "down_blocks.%d.resnets.%d.", level, n);
    return slot == 0 && rename_rest(module, unet_resnet, rest, out, size);
}

/* output_blocks.N: for each level its layers, the deepest level first; an upsampler is the last slot of a level's last
 * layer. */
static bool output_block(const unet_config *c, int n, const char *rest, char *out, size_t size)
{
    int i = 0, slot;
    char module[64];
    for (; i < c->levels && n > c->layers_per_block[c->levels - 1 - i]; i++)
        n -= c->layers_per_block[c->levels - 1 - i] + 1;
    if (i == c->levels || !take_index(&rest, &slot)) return false;
    if (slot == 0) {
        snprintf(module, sizeof module, "up_blocks.%d.resnets.%d.", i, n);
        return rename_rest(module, unet_resnet, rest, out, size);
    }
    if (n == c->layers_per_block[c->levels - 1 - i] && slot == 1 + c->up_attention[i] && take(&rest, "conv."))
        return write(out, size, "up_blocks.%d.upsamplers.0.conv.%s", i, rest);
    return slot == 1 && c->up_attention[i] && write(out, size, "up_blocks.%d.attentions.%d.%s", i, n, rest);
}

bool compvis_unet_name(const unet_config *c, const char *name, char *out, size_t size)
{
    static const renaming outer[] = {
        {"time_embed.0.", "time_embedding.linear_1."},
        {"time_embed.2.", "time_embedding.linear_2."},
        {"out.0.", "conv_norm_out."},
        {"out.2.", "conv_out."},
        {"middle_block.1.", "mid_block.attentions.0."},
        {NULL, NULL},
    };
    int n;
    if (take(&name, "input_blocks.")) return take_index(&name, &n) && input_block(c, n, name, out, size);
    if (take(&name, "output_blocks.")) return take_index(&name, &n) && output_block(c, n, name, out, size);
    if (take(&name, "middle_block.0.")) return rename_rest("mid_block.resnets.0.", unet_resnet, name, out, size);
    if (take(&name, "middle_block.2.")) return rename_rest("mid_block.resnets.1.", unet_resnet, name, out, size);
    return rename_rest("", outer, name, out, size);
}

static bool vae_block(const char *module, const char *rest, char *out, size_t size)
{
    if (take(&rest, "nin_shortcut.")) return write(out, size, "%sconv_shortcut.%s", module, rest);
    return write(out, size, "%s%s", module, rest);
}

/* The mid block and the ends, which both sides share. */
static bool vae_side(const char *side, const char *rest, char *out, size_t size)
{
    char module[64];
    int n;
    if (take(&rest, "mid.attn_1.")) return write(out, size, "%s.mid_block.attentions.0.%s", side, rest);
    if (take(&rest, "mid.block_")) {
        if (!take_index(&rest, &n) || n < 1 || n > 2) return false;
        snprintf(module, sizeof module, "%s.mid_block.resnets.%d.", side, n - 1);
        return vae_block(module, rest, out, size);
    }
    if (take(&rest, "norm_out.")) return write(out, size, "%s.conv_norm_out.%s", side, rest);
    return write(out, size, "%s.%s", side, rest);
}

bool compvis_vae_name(const vae_config *c, const char *name, char *out, size_t size)
{
    const char *const whole = name;
    char module[64];
    int level, n;
    if (take(&name, "encoder.down.")) {
        if (!take_index(&name, &level)) return false;
        if (take(&name, "downsample."))
            return write(out, size, "encoder.down_blocks.%d.downsamplers.0.%s", level, name);
        if (!take(&name, "block.") || !take_index(&name, &n)) return false;
        snprintf(module, sizeof module, "encoder.down_blocks.%d.resnets.%d.", level, n);
        return vae_block(module, name, out, size);
    }
    if (take(&name, "decoder.up.")) { /* numbered by resolution, diffusers' by order of execution */
        if (!take_index(&name, &level) || level >= c->levels) return false;
        int i = c->levels - 1 - level;
        if (take(&name, "upsample.")) return write(out, size, "decoder.up_blocks.%d.upsamplers.0.%s", i, name);
        if (!take(&name, "block.") || !take_index(&name, &n)) return false;
        snprintf(module, sizeof module, "decoder.up_blocks.%d.resnets.%d.", i, n);
        return vae_block(module, name, out, size);
    }
    if (take(&name, "encoder.")) return vae_side("encoder", name, out, size);
    if (take(&name, "decoder.")) return vae_side("decoder", name, out, size);
    return write(out, size, "%s", whole);
}

bool vae_attention_name(const char *name, char *out, size_t size)
{
    static const renaming members[] = {
        {"norm.", "group_norm."},    {"q.", "to_q."},     {"k.", "to_k."},   {"v.", "to_v."},
        {"proj_out.", "to_out.0."},  {"query.", "to_q."}, {"key.", "to_k."}, {"value.", "to_v."},
        {"proj_attn.", "to_out.0."}, {NULL, NULL},
    };
    static const char *const modules[] = {"encoder.mid_block.attentions.0.", "decoder.mid_block.attentions.0."};
    for (int i = 0; i < 2; i++) {
        const char *rest = name;
        if (take(&rest, modules[i]) && rename_rest(modules[i], members, rest, out, size)) return true;
    }
    return write(out, size, "%s", name);
}
