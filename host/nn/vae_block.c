/* SPDX-License-Identifier: MIT */
/* What encoder and decoder are built from. */
#include "nn/vae.h"

#include <math.h>
#include <stdlib.h>

const float vae_norm_eps = 1e-6f; /* not in config.json: diffusers' AutoencoderKL */

int vae_mid_load(vae_mid *m, const params *p, const char *at)
{
    int err = 0;
    char path[PARAMS_NAME];
    for (int i = 0; i < 2; i++) {
        params_name(path, "%s.resnets.%d", at, i);
        TRY(resblock_load(&m->resnets[i], p, path, NULL));
    }
    params_name(path, "%s.attentions.0", at);
    if (layer_exists(p, path, "group_norm")) {
        TRY(layer_load(&m->norm, p, path, "group_norm"));
        TRY(layer_load(&m->qkv, p, path, "to_{q,k,v}"));
        TRY(layer_load(&m->out, p, path, "to_out.0"));
    }
out:
    return err;
}

/* y = x + attention(norm(x)) */
static int attention_forward(plan *p, tensor y, tensor x, const vae_mid *m, int groups)
{
    int err = 0, c = x.c;
    float scale = 1.0f / sqrtf((float)c);
    tensor norm, qkv = act_like(p, x, 3 * c), a = act_like(p, x, c);
    TRY(layer_groupnorm(p, &norm, x, &m->norm, groups, vae_norm_eps));
    TRY(layer_gemm(p, qkv, x, &m->qkv, fuse_norm(norm, false)));
    TRY(op_attention(p, a, channels(qkv, 0, c), channels(qkv, c, c), channels(qkv, 2 * c, c), 1, scale, false));
    TRY(layer_gemm(p, y, a, &m->out, fuse_residual(x)));
out:
    return err;
}

int vae_mid_forward(plan *p, tensor y, tensor x, const vae_mid *m, int groups)
{
    int err = 0;
    tensor h = act_like(p, x, x.c), a = h;
    plan_enter(p, "mid_block");
    plan_enter(p, "resnets.0");
    TRY(resblock_forward(p, h, x, NO_TENSOR, &m->resnets[0], groups, vae_norm_eps));
    plan_leave(p);
    if (m->norm.w) {
        a = act_like(p, x, x.c);
        plan_enter(p, "attentions.0");
        TRY(attention_forward(p, a, h, m, groups));
        plan_leave(p);
    }
    plan_enter(p, "resnets.1");
    TRY(resblock_forward(p, y, a, NO_TENSOR, &m->resnets[1], groups, vae_norm_eps));
    plan_leave(p);
    plan_leave(p);
out:
    return err;
}

int vae_block_load(vae_block *b, const params *p, const char *at, int resnets, const char *sampler)
{
    int err = 0;
    char path[PARAMS_NAME];
    b->resnets = calloc((size_t)resnets, sizeof *b->resnets);
    if (!b->resnets) return FAIL(SDCL_ENOMEM, "out of memory");
    b->count = resnets;
    for (int i = 0; i < resnets; i++) {
        params_name(path, "%s.resnets.%d", at, i);
        TRY(resblock_load(&b->resnets[i], p, path, NULL));
    }
    if (sampler) TRY(layer_load(&b->sampler, p, at, sampler));
out:
    return err;
}

int vae_block_forward(plan *p, tensor *y, tensor x, const vae_block *b, int groups)
{
    int err = 0;
    for (int i = 0; i < b->count; i++) {
        int c = resblock_channels(&b->resnets[i]);
        plan_enter(p, "resnets.%d", i);
        if (c > x.c) {
            *y = act_like(p, x, c);
            TRY(resblock_forward(p, *y, x, NO_TENSOR, &b->resnets[i], groups, vae_norm_eps));
        } else {
            TRY(resblock_replace(p, y, x, &b->resnets[i], groups, vae_norm_eps));
        }
        plan_leave(p);
        x = *y;
    }
out:
    return err;
}
