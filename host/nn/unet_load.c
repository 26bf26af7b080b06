/* SPDX-License-Identifier: MIT */
/* Binding of the UNet's parameters. */
#include "nn/unet.h"

#include <stdio.h>
#include <stdlib.h>

/* depth 0: no attention. sampler: name of the layer to the next level, or NULL. */
static int block_load(unet_block *b, const params *p, layer_stack *time, int resnets, int attentions, int depth,
                      int heads, const char *sampler)
{
    int err = 0;
    char at[PARAMS_NAME];
    b->resnets = calloc((size_t)resnets, sizeof *b->resnets);
    b->attentions = depth ? calloc((size_t)attentions, sizeof *b->attentions) : NULL;
    if (!b->resnets || (depth && !b->attentions)) return FAIL(SDCL_ENOMEM, "out of memory");
    b->count = resnets;
    b->attention_count = depth ? attentions : 0;
    for (int i = 0; i < b->count; i++) {
        params_name(at, "%s.resnets.%d", b->name, i);
        TRY(resblock_load(&b->resnets[i], p, at, time));
    }
    for (int i = 0; i < b->attention_count; i++) {
        params_name(at, "%s.attentions.%d", b->name, i);
        TRY(transformer_load(&b->attentions[i], p, at, depth, heads));
    }
    if (sampler) TRY(layer_load(&b->sampler, p, b->name, sampler));
out:
    return err;
}

static void block_free(unet_block *b)
{
    for (int i = 0; i < b->attention_count; i++) transformer_free(&b->attentions[i]);
    free(b->attentions);
    free(b->resnets);
}

static int cross_layers(const unet_block *b)
{
    int n = 0;
    for (int i = 0; i < b->attention_count; i++) n += b->attentions[i].depth;
    return n;
}

static void list_cross_layers(unet *u, const unet_block *b)
{
    for (int i = 0; i < b->attention_count; i++)
        for (int k = 0; k < b->attentions[i].depth; k++) u->kv[u->kv_count++] = &b->attentions[i].blocks[k].kv;
}

static int list_all_cross_layers(unet *u)
{
    int levels = u->config->levels, n = cross_layers(&u->mid);
    for (int i = 0; i < levels; i++) n += cross_layers(&u->down[i]) + cross_layers(&u->up[i]);
    u->kv = calloc((size_t)n + 1, sizeof *u->kv);
    if (!u->kv) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < levels; i++) list_cross_layers(u, &u->down[i]);
    list_cross_layers(u, &u->mid);
    for (int i = 0; i < levels; i++) list_cross_layers(u, &u->up[i]);
    return 0;
}

int unet_load(unet *u, const params *p, const unet_config *c)
{
    int err = 0, last = c->levels - 1;
    layer_stack time = {0};
    *u = (unet){.config = c};
    TRY(layer_load(&u->conv_in, p, "", "conv_in"));
    TRY(layer_load(&u->time1, p, "time_embedding", "linear_1"));
    TRY(layer_load(&u->time2, p, "time_embedding", "linear_2"));
    for (int i = 0; i < c->levels; i++) {
        int layers = c->layers_per_block[i], depth = c->down_attention[i] ? c->transformer_layers[i] : 0;
        snprintf(u->down[i].name, sizeof u->down[i].name, "down_blocks.%d", i);
        const char *sampler = i < last ? "downsamplers.0.conv" : NULL;
        TRY(block_load(&u->down[i], p, &time, layers, layers, depth, c->heads[i], sampler));
    }
    snprintf(u->mid.name, sizeof u->mid.name, "mid_block");
    TRY(block_load(&u->mid, p, &time, 2, 1, c->mid_attention ? c->transformer_layers[last] : 0, c->heads[last], NULL));
    for (int i = 0; i < c->levels; i++) {
        int level = last - i, layers = c->layers_per_block[level] + 1;
        int depth = c->up_attention[i] ? c->transformer_layers[level] : 0;
        const char *sampler = level ? "upsamplers.0.conv" : NULL;
        snprintf(u->up[i].name, sizeof u->up[i].name, "up_blocks.%d", i);
        TRY(block_load(&u->up[i], p, &time, layers, layers, depth, c->heads[level], sampler));
    }
    TRY(layer_load(&u->conv_norm_out, p, "", "conv_norm_out"));
    TRY(layer_load(&u->conv_out, p, "", "conv_out"));
    TRY(layer_stack_bind(&time, p, &u->time_proj, "time_emb_proj"));
    TRY(list_all_cross_layers(u));
out:
    if (err) unet_free(u);
    return err;
}

void unet_free(unet *u)
{
    for (int i = 0; i < MODEL_LEVELS_MAX; i++) {
        block_free(&u->down[i]);
        block_free(&u->up[i]);
    }
    block_free(&u->mid);
    free(u->kv);
    *u = (unet){0};
}
