/* SPDX-License-Identifier: MIT */
#include "nn/vae.h"

#include <stdlib.h>

int vae_decoder_load(vae_decoder *d, const params *p, const vae_config *c)
{
    int err = 0;
    char at[PARAMS_NAME];
    *d = (vae_decoder){.config = c};
    if (c->post_quant_conv) TRY(layer_load(&d->post_quant_conv, p, "", "post_quant_conv"));
    TRY(layer_load(&d->conv_in, p, "decoder", "conv_in"));
    TRY(vae_mid_load(&d->mid, p, "decoder.mid_block"));
    for (int i = 0; i < c->levels; i++) {
        params_name(at, "decoder.up_blocks.%d", i);
        TRY(vae_block_load(&d->up[i], p, at, c->layers_per_block + 1, i < c->levels - 1 ? "upsamplers.0.conv" : NULL));
    }
    TRY(layer_load(&d->conv_norm_out, p, "decoder", "conv_norm_out"));
    TRY(layer_load(&d->conv_out, p, "decoder", "conv_out"));
out:
    if (err) vae_decoder_free(d);
    return err;
}

void vae_decoder_free(vae_decoder *d)
{
    for (int i = 0; i < MODEL_LEVELS_MAX; i++) free(d->up[i].resnets);
    *d = (vae_decoder){0};
}

/* Residual blocks, then an upsampling convolution, where there is one and the next level does not do it. */
static int up_block(plan *p, tensor *y, tensor x, const vae_block *b, int groups, bool sampler)
{
    int err = 0;
    TRY(vae_block_forward(p, y, x, b, groups));
    if (b->sampler.w && sampler) {
        x = *y;
        *y = plan_act(p, x.n, 2 * x.h, 2 * x.w, x.c);
        TRY(layer_conv3x3_up(p, *y, x, &b->sampler));
    }
out:
    return err;
}

int vae_decode_forward(plan *p, const vae_decoder *d, tensor latent, tensor out, int strip)
{
    int err = 0, groups = d->config->groups, levels = d->config->levels;
    int whole = !vae_strip_of(d, latent.h, strip) ? levels : levels < 3 ? 1 : levels - 2;
    tensor x = latent, h, y, norm;
    if (d->post_quant_conv.w) {
        x = act_like(p, latent, d->post_quant_conv.w->rows);
        TRY(layer_gemm(p, x, latent, &d->post_quant_conv, FUSE_NONE));
    }
    plan_enter(p, "decoder");
    h = act_like(p, x, d->conv_in.w->rows);
    TRY(layer_conv3x3(p, h, x, &d->conv_in, FUSE_NONE));
    y = act_like(p, h, h.c);
    TRY(vae_mid_forward(p, y, h, &d->mid, groups));
    for (int i = 0; i < whole; i++) {
        plan_enter(p, "up_blocks.%d", i);
        TRY(up_block(p, &y, y, &d->up[i], groups, i < whole - 1));
        plan_leave(p);
    }
    for (int i = whole; i < levels; i++) TRY(vae_strips_level(p, &y, y, d, i, strip << i));
    if (whole < levels) TRY(vae_strips_out(p, out, y, d, strip << (levels - 1)));
    else {
        TRY(layer_groupnorm(p, &norm, y, &d->conv_norm_out, groups, vae_norm_eps));
        TRY(layer_conv3x3(p, out, y, &d->conv_out, fuse_norm(norm, true)));
    }
    plan_leave(p);
out:
    return err;
}
