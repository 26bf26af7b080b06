/* SPDX-License-Identifier: MIT */
#include "nn/clip.h"

#include <math.h>
#include <stdlib.h>

static int encoder_layer_load(clip_layer *l, const params *p, int i)
{
    int err = 0;
    char at[PARAMS_NAME];
    params_name(at, "text_model.encoder.layers.%d", i);
    TRY(layer_load(&l->norm1, p, at, "layer_norm1"));
    TRY(layer_load(&l->qkv, p, at, "self_attn.{q,k,v}_proj"));
    TRY(layer_load(&l->out, p, at, "self_attn.out_proj"));
    TRY(layer_load(&l->norm2, p, at, "layer_norm2"));
    TRY(layer_load(&l->fc1, p, at, "mlp.fc1"));
    TRY(layer_load(&l->fc2, p, at, "mlp.fc2"));
out:
    return err;
}

int clip_load(clip *m, const params *p, const clip_config *c)
{
    int err = 0;
    *m = (clip){.config = c};
    m->layers = calloc((size_t)c->layers, sizeof *m->layers);
    if (!m->layers) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(embedding_load(&m->token, p, "text_model.embeddings.token_embedding.weight"));
    TRY(embedding_load(&m->position, p, "text_model.embeddings.position_embedding.weight"));
    for (int i = 0; i < c->layers; i++) TRY(encoder_layer_load(&m->layers[i], p, i));
    TRY(layer_load(&m->final_norm, p, "text_model", "final_layer_norm"));
out:
    if (err) clip_free(m);
    return err;
}

void clip_free(clip *m)
{
    free(m->layers);
    *m = (clip){0};
}

/* x += attention(norm(x)); x += mlp(norm(x)) */
static int encoder_layer_forward(plan *p, tensor x, const clip_layer *l, const clip_config *c)
{
    int err = 0, d = c->hidden;
    float scale = 1.0f / sqrtf((float)(d / c->heads));
    tensor a = act_like(p, x, d), qkv = act_like(p, x, 3 * d), heads = act_like(p, x, d);
    tensor b = act_like(p, x, d), wide = act_like(p, x, c->intermediate);

    TRY(layer_norm(p, a, x, &l->norm1, c->layernorm_eps));
    TRY(layer_gemm(p, qkv, a, &l->qkv, FUSE_NONE));
    TRY(op_attention(p, heads, channels(qkv, 0, d), channels(qkv, d, d), channels(qkv, 2 * d, d), c->heads, scale,
                     true));
    TRY(layer_gemm(p, x, heads, &l->out, fuse_residual(x)));

    TRY(layer_norm(p, b, x, &l->norm2, c->layernorm_eps));
    TRY(layer_gemm(p, wide, b, &l->fc1, fuse_act(c->activation == CLIP_GELU ? ACT_GELU : ACT_QUICK_GELU)));
    TRY(layer_gemm(p, x, wide, &l->fc2, fuse_residual(x)));
out:
    return err;
}

int clip_embed(clip *m, const int32_t *ids, int n, int t, float *embeddings)
{
    int err = 0, hidden = m->config->hidden;
    int32_t *numbers = malloc((size_t)t * sizeof *numbers);
    float *positions = malloc((size_t)t * (size_t)hidden * sizeof *positions);
    if (!numbers || !positions) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    for (int i = 0; i < t; i++) numbers[i] = i;
    TRY(embedding_rows(&m->position, numbers, t, positions));
    TRY(embedding_rows(&m->token, ids, n * t, embeddings));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < t * hidden; k++) *embeddings++ += positions[k];
out:
    free(numbers);
    free(positions);
    return err;
}

int clip_forward(plan *p, const clip *m, tensor embeddings, tensor context)
{
    int err = 0;
    tensor x = act_like(p, embeddings, m->config->hidden);
    plan_enter(p, "embeddings");
    TRY(op_copy(p, x, embeddings));
    plan_leave(p);
    for (int i = 0; i < m->config->layers; i++) {
        plan_enter(p, "encoder.layers.%d", i);
        TRY(encoder_layer_forward(p, x, &m->layers[i], m->config));
        plan_leave(p);
    }
    TRY(layer_norm(p, context, x, &m->final_norm, m->config->layernorm_eps));
out:
    return err;
}
