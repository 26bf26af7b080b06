/* SPDX-License-Identifier: MIT */
#include "nn/vae.h"

#include <stdlib.h>

int vae_encoder_load(vae_encoder *e, const params *p, const vae_config *c)
{
    int err = 0;
    char at[PARAMS_NAME];
    *e = (vae_encoder){.config = c};
    TRY(layer_load(&e->conv_in, p, "encoder", "conv_in"));
    for (int i = 0; i < c->levels; i++) {
        params_name(at, "encoder.down_blocks.%d", i);
        TRY(vae_block_load(&e->down[i], p, at, c->layers_per_block, i < c->levels - 1 ? "downsamplers.0.conv" : NULL));
    }
    TRY(vae_mid_load(&e->mid, p, "encoder.mid_block"));
    TRY(layer_load(&e->conv_norm_out, p, "encoder", "conv_norm_out"));
    TRY(layer_load(&e->conv_out, p, "encoder", "conv_out"));
    if (c->quant_conv) TRY(layer_load(&e->quant_conv, p, "", "quant_conv"));
out:
    if (err) vae_encoder_free(e);
    return err;
}

void vae_encoder_free(vae_encoder *e)
{
    for (int i = 0; i < MODEL_LEVELS_MAX; i++) free(e->down[i].resnets);
    *e = (vae_encoder){0};
}

/* Residual blocks, then a convolution of stride 2 at every level but the last. */
static int down_block(plan *p, tensor *y, tensor x, const vae_block *b, int groups)
{
    int err = 0;
    TRY(vae_block_forward(p, y, x, b, groups));
    if (b->sampler.w) {
        x = *y;
        *y = plan_act(p, x.n, x.h / 2, x.w / 2, x.c);
        TRY(layer_conv3x3_down(p, *y, x, &b->sampler, PAD_DOWN_RIGHT));
    }
out:
    return err;
}

int vae_encode_forward(plan *p, const vae_encoder *e, tensor picture, tensor moments)
{
    int err = 0, groups = e->config->groups;
    tensor x, y, z = moments, norm;
    plan_enter(p, "encoder");
    y = act_like(p, picture, e->conv_in.w->rows);
    TRY(layer_conv3x3(p, y, picture, &e->conv_in, FUSE_NONE));
    for (int i = 0; i < e->config->levels; i++) {
        plan_enter(p, "down_blocks.%d", i);
        TRY(down_block(p, &y, y, &e->down[i], groups));
        plan_leave(p);
    }
    x = y;
    y = act_like(p, x, x.c);
    TRY(vae_mid_forward(p, y, x, &e->mid, groups));
    TRY(layer_groupnorm(p, &norm, y, &e->conv_norm_out, groups, vae_norm_eps));
    if (e->quant_conv.w) z = act_like(p, y, e->conv_out.w->rows);
    TRY(layer_conv3x3(p, z, y, &e->conv_out, fuse_norm(norm, true)));
    plan_leave(p);
    if (e->quant_conv.w) TRY(layer_gemm(p, moments, z, &e->quant_conv, FUSE_NONE));
out:
    return err;
}
