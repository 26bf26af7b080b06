/* SPDX-License-Identifier: MIT */
/* diffusers' names to those of the original release: rewriting by numbers that hold for SD v1's structure alone (four levels, two layers), unlike the loader,
 * which goes the other way and counts. */
#include "compvis_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pair {
    const char *from, *to;
} pair;

/* A name that does not fit is a fault of the test. */
__attribute__((format(printf, 3, 4))) static void put(char *out, size_t size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(out, size, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= size) abort();
}

/* Replaces the first occurrence of p->from that there is, of all pairs. */
static void replace(char *name, size_t size, const pair *pairs)
{
    char copy[512];
    for (const pair *p = pairs; p->from; p++) {
        char *at = strstr(name, p->from);
        if (!at) continue;
        put(copy, sizeof copy, "%.*s%s%s", (int)(at - name), name, p->to, at + strlen(p->from));
        put(name, size, "%s", copy);
        return;
    }
}

static const char *behind(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) ? NULL : name + n;
}

static void unet_name(const char *name, char *out, size_t size)
{
    static const pair resnet[] = {{"norm1.", "in_layers.0."},
                                  {"conv1.", "in_layers.2."},
                                  {"norm2.", "out_layers.0."},
                                  {"conv2.", "out_layers.3."},
                                  {"time_emb_proj.", "emb_layers.1."},
                                  {"conv_shortcut.", "skip_connection."},
                                  {NULL, NULL}};
    static const pair outer[] = {{"time_embedding.linear_1.", "time_embed.0."},
                                 {"time_embedding.linear_2.", "time_embed.2."},
                                 {"conv_in.", "input_blocks.0.0."},
                                 {"conv_norm_out.", "out.0."},
                                 {"conv_out.", "out.2."},
                                 {"mid_block.resnets.0.", "middle_block.0."},
                                 {"mid_block.attentions.0.", "middle_block.1."},
                                 {"mid_block.resnets.1.", "middle_block.2."},
                                 {NULL, NULL}};
    int level, layer, end = 0;
    char rest[256], kind[32];
    if (sscanf(name, "down_blocks.%d.%31[a-z].%d.%n", &level, kind, &layer, &end) == 3 && end) {
        put(rest, sizeof rest, "%s", name + end);
        if (!strcmp(kind, "downsamplers")) {
            put(out, size, "input_blocks.%d.0.op.%s", 3 * level + 3, behind(rest, "conv."));
            return;
        }
        if (!strcmp(kind, "resnets")) replace(rest, sizeof rest, resnet);
        put(out, size, "input_blocks.%d.%d.%s", 3 * level + layer + 1, !strcmp(kind, "attentions"), rest);
    } else if (sscanf(name, "up_blocks.%d.%31[a-z].%d.%n", &level, kind, &layer, &end) == 3 && end) {
        put(rest, sizeof rest, "%s", name + end);
        if (!strcmp(kind, "upsamplers")) {
            put(out, size, "output_blocks.%d.%d.%s", 3 * level + 2, level ? 2 : 1, rest);
            return;
        }
        if (!strcmp(kind, "resnets")) replace(rest, sizeof rest, resnet);
        put(out, size, "output_blocks.%d.%d.%s", 3 * level + layer, !strcmp(kind, "attentions"), rest);
    } else {
        put(out, size, "%s", name);
        if (behind(name, "mid_block.resnets.")) replace(out, size, resnet);
        replace(out, size, outer);
    }
}

static void vae_name(const char *name, char *out, size_t size)
{
    static const pair attention[] = {{"group_norm.", "norm."},   {"to_q.", "q."}, {"to_k.", "k."}, {"to_v.", "v."},
                                     {"to_out.0.", "proj_out."}, {NULL, NULL}};
    static const pair outer[] = {{"mid_block.resnets.0.", "mid.block_1."},
                                 {"mid_block.resnets.1.", "mid.block_2."},
                                 {"mid_block.attentions.0.", "mid.attn_1."},
                                 {"conv_norm_out.", "norm_out."},
                                 {NULL, NULL}};
    static const pair shortcut[] = {{"conv_shortcut.", "nin_shortcut."}, {NULL, NULL}};
    int level, layer, end = 0;
    if (sscanf(name, "encoder.down_blocks.%d.resnets.%d.%n", &level, &layer, &end) == 2 && end)
        put(out, size, "encoder.down.%d.block.%d.%s", level, layer, name + end);
    else if (sscanf(name, "encoder.down_blocks.%d.downsamplers.0.%n", &level, &end) == 1 && end)
        put(out, size, "encoder.down.%d.downsample.%s", level, name + end);
    else if (sscanf(name, "decoder.up_blocks.%d.resnets.%d.%n", &level, &layer, &end) == 2 && end)
        put(out, size, "decoder.up.%d.block.%d.%s", 3 - level, layer, name + end);
    else if (sscanf(name, "decoder.up_blocks.%d.upsamplers.0.%n", &level, &end) == 1 && end)
        put(out, size, "decoder.up.%d.upsample.%s", 3 - level, name + end);
    else put(out, size, "%s", name);
    if (strstr(out, "attentions.")) replace(out, size, attention);
    replace(out, size, outer);
    replace(out, size, shortcut);
}

void compvis_name(model_part part, const char *diffusers, char *out, size_t size)
{
    static const char *const prefix[PART_COUNT] = {"cond_stage_model.transformer.text_model.", "model.diffusion_model.",
                                                   "first_stage_model."};
    char name[256];
    if (part == PART_UNET) unet_name(diffusers, name, sizeof name);
    else if (part == PART_VAE) vae_name(diffusers, name, sizeof name);
    else put(name, sizeof name, "%s", diffusers);
    put(out, size, "%s%s", prefix[part], name);
}
