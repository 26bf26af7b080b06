/* SPDX-License-Identifier: MIT */
#include "nn/transformer.h"

#include <math.h>
#include <stdlib.h>

static const float groupnorm_eps = 1e-6f, layernorm_eps = 1e-5f; /* not in config.json: diffusers' Transformer2DModel */

static int block_load(transformer_block *b, const params *p, const char *at)
{
    int err = 0;
    char kv[PARAMS_NAME];
    params_name(kv, "%s.attn2.to_{k,v}", at);
    TRY(layer_load(&b->norm1, p, at, "norm1"));
    TRY(layer_load(&b->qkv, p, at, "attn1.to_{q,k,v}"));
    TRY(layer_load(&b->out1, p, at, "attn1.to_out.0"));
    TRY(layer_load(&b->norm2, p, at, "norm2"));
    TRY(layer_load(&b->q, p, at, "attn2.to_q"));
    TRY(layer_load(&b->kv, p, "", kv));
    TRY(layer_load(&b->out2, p, at, "attn2.to_out.0"));
    TRY(layer_load(&b->norm3, p, at, "norm3"));
    TRY(layer_load(&b->ff1, p, at, "ff.net.0.proj"));
    TRY(layer_load(&b->ff2, p, at, "ff.net.2"));
out:
    return err;
}

int transformer_load(transformer *t, const params *p, const char *at, int depth, int heads)
{
    int err = 0;
    char block[PARAMS_NAME];
    *t = (transformer){.depth = depth, .heads = heads};
    t->blocks = calloc((size_t)depth, sizeof *t->blocks);
    if (!t->blocks) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(layer_load(&t->norm, p, at, "norm"));
    TRY(layer_load(&t->proj_in, p, at, "proj_in"));
    for (int i = 0; i < depth; i++) {
        params_name(block, "%s.transformer_blocks.%d", at, i);
        TRY(block_load(&t->blocks[i], p, block));
    }
    TRY(layer_load(&t->proj_out, p, at, "proj_out"));
out:
    return err;
}

void transformer_free(transformer *t)
{
    free(t->blocks);
    *t = (transformer){0};
}

/* x += attention(norm1(x)); x += attention(norm2(x), context); x += geglu(norm3(x)) */
static int block_forward(plan *p, tensor x, tensor kv, const transformer_block *b, int heads)
{
    int err = 0, c = x.c;
    float scale = 1.0f / sqrtf((float)(c / heads));
    fuse geglu = {.geglu = true, .bias = NO_TENSOR, .row = NO_TENSOR, .residual = NO_TENSOR, .norm = NO_TENSOR};
    tensor a1 = act_like(p, x, c), qkv = act_like(p, x, 3 * c), self = act_like(p, x, c);
    tensor a2 = act_like(p, x, c), q = act_like(p, x, c), cross = act_like(p, x, c);
    tensor a3 = act_like(p, x, c), wide = act_like(p, x, 4 * c);

    TRY(layer_norm(p, a1, x, &b->norm1, layernorm_eps));
    TRY(layer_gemm(p, qkv, a1, &b->qkv, FUSE_NONE));
    plan_enter(p, "attn1");
    TRY(op_attention(p, self, channels(qkv, 0, c), channels(qkv, c, c), channels(qkv, 2 * c, c), heads, scale, false));
    plan_leave(p);
    TRY(layer_gemm(p, x, self, &b->out1, fuse_residual(x)));

    TRY(layer_norm(p, a2, x, &b->norm2, layernorm_eps));
    TRY(layer_gemm(p, q, a2, &b->q, FUSE_NONE));
    plan_enter(p, "attn2");
    TRY(op_attention(p, cross, q, channels(kv, 0, c), channels(kv, c, c), heads, scale, false));
    plan_leave(p);
    TRY(layer_gemm(p, x, cross, &b->out2, fuse_residual(x)));

    TRY(layer_norm(p, a3, x, &b->norm3, layernorm_eps));
    TRY(layer_gemm(p, wide, a3, &b->ff1, geglu));
    TRY(layer_gemm(p, x, wide, &b->ff2, fuse_residual(x)));
out:
    return err;
}

int transformer_forward(plan *p, tensor y, tensor x, const tensor *kv, const transformer *t, int groups)
{
    int err = 0;
    tensor h = act_like(p, x, t->proj_in.w->rows), norm;
    TRY(layer_groupnorm(p, &norm, x, &t->norm, groups, groupnorm_eps));
    TRY(layer_gemm(p, h, x, &t->proj_in, fuse_norm(norm, false)));
    for (int i = 0; i < t->depth; i++) {
        plan_enter(p, "transformer_blocks.%d", i);
        TRY(block_forward(p, h, kv[i], &t->blocks[i], t->heads));
        plan_leave(p);
    }
    TRY(layer_gemm(p, y, h, &t->proj_out, fuse_residual(x)));
out:
    return err;
}
