/* SPDX-License-Identifier: MIT */
#include "nn/unet.h"

int unet_cross_layers(const unet *u) { return u->kv_count; }
int unet_cross_width(const unet *u, int i) { return u->kv[i]->w->rows; }

int unet_prologue_forward(plan *p, const unet *u, tensor context, const tensor *kv)
{
    int err = 0;
    for (int i = 0; i < u->kv_count; i++) TRY(layer_gemm(p, kv[i], context, u->kv[i], FUSE_NONE));
out:
    return err;
}

int unet_time_width(const unet *u) { return u->time_proj.w->rows; }

/* All residual blocks apply SiLU to the embedding first: it is stored so. */
int unet_time_forward(plan *p, const unet *u, tensor t, tensor time)
{
    int err = 0;
    tensor wave = plan_tensor(p, F32, t.n, 1, 1, u->config->channels[0]);
    tensor a = plan_tensor(p, F32, t.n, 1, 1, u->time1.w->rows);
    tensor embedding = plan_tensor(p, F32, t.n, 1, 1, u->time2.w->rows);
    plan_enter(p, "time_embedding");
    TRY(op_timestep(p, wave, t, u->config->flip_sin_to_cos, u->config->freq_shift));
    TRY(layer_gemm(p, a, wave, &u->time1, fuse_act(ACT_SILU)));
    TRY(layer_gemm(p, embedding, a, &u->time2, fuse_act(ACT_SILU)));
    plan_leave(p);
    TRY(layer_gemm(p, time, embedding, &u->time_proj, FUSE_NONE));
out:
    return err;
}

/* What the blocks of one evaluation pass on. A skip connection is a concatenation that is never copied: its tensor is
 * made when the down path produces the skip, which is written into the right channels; the up path later writes its own
 * into the left ones. */
typedef struct pass {
    plan *p;
    const unet *u;
    tensor time;                     /* (n or 1,1,1,unet_time_width) F32 */
    const tensor *kv;                /* of the next cross-attention layer */
    tensor concat[WEIGHT_PARTS_MAX]; /* as many as the up path has residual blocks */
    int concats;
} pass;

/* Channels that the up path puts before skip i. */
static int channels_before(const unet *u, int i)
{
    const unet_block *b = u->up;
    int total = 0, earlier; /* residual blocks of the up path: all; before the one that takes the skip */
    for (int k = 0; k < u->config->levels; k++) total += u->up[k].count;
    for (earlier = total - 1 - i; earlier >= b->count; b++) earlier -= b->count;
    if (earlier) return resblock_channels(&b->resnets[earlier - 1]);
    return resblock_channels(b > u->up ? &b[-1].resnets[b[-1].count - 1] : &u->mid.resnets[1]);
}

/* A place for c channels of the down path: read by the next block and, beside the up path's, by a later one. */
static tensor new_skip(pass *f, int n, int h, int w, int c)
{
    int before = channels_before(f->u, f->concats);
    tensor both = f->concat[f->concats++] = plan_act(f->p, n, h, w, before + c);
    return channels(both, before, c);
}

static int resnet(pass *f, tensor y, tensor x, const unet_block *b, int i)
{
    const unet_config *c = f->u->config;
    const resblock *r = &b->resnets[i];
    plan_enter(f->p, "resnets.%d", i);
    tensor row = channels(f->time, r->first, resblock_channels(r));
    int err = resblock_forward(f->p, y, x, row, r, c->groups, c->norm_eps);
    plan_leave(f->p);
    return err;
}

static int attention(pass *f, tensor y, tensor x, const unet_block *b, int i)
{
    const transformer *t = &b->attentions[i];
    plan_enter(f->p, "attentions.%d", i);
    int err = transformer_forward(f->p, y, x, f->kv, t, f->u->config->groups);
    plan_leave(f->p);
    f->kv += t->depth;
    return err;
}

/* A residual block and, where the level has them, a transformer. */
static int resnet_attention(pass *f, tensor y, tensor x, const unet_block *b, int i)
{
    int err = 0;
    if (!b->attentions) return resnet(f, y, x, b, i);
    tensor h = act_like(f->p, y, y.c);
    TRY(resnet(f, h, x, b, i));
    TRY(attention(f, y, h, b, i));
out:
    return err;
}

static int down_block(pass *f, tensor *x, const unet_block *b)
{
    int err = 0;
    plan_enter(f->p, "%s", b->name);
    for (int i = 0; i < b->count; i++) {
        tensor y = new_skip(f, x->n, x->h, x->w, resblock_channels(&b->resnets[i]));
        TRY(resnet_attention(f, y, *x, b, i));
        *x = y;
    }
    if (b->sampler.w) {
        tensor y = new_skip(f, x->n, (x->h + 1) / 2, (x->w + 1) / 2, x->c);
        TRY(layer_conv3x3_down(f->p, y, *x, &b->sampler, PAD_SAME));
        *x = y;
    }
    plan_leave(f->p);
out:
    return err;
}

static int mid_block(pass *f, tensor y, tensor x)
{
    int err = 0;
    const unet_block *b = &f->u->mid;
    tensor h = act_like(f->p, x, x.c);
    plan_enter(f->p, "%s", b->name);
    TRY(resnet_attention(f, h, x, b, 0));
    TRY(resnet(f, y, h, b, 1));
    plan_leave(f->p);
out:
    return err;
}

/* The left channels of the next concatenation; after the last one, a tensor of its own. */
static tensor next_input(pass *f, tensor x, int c)
{
    return f->concats ? channels(f->concat[f->concats - 1], 0, c) : act_like(f->p, x, c);
}

/* Every residual block reads a concatenation whose left channels hold what came before it. */
static int up_block(pass *f, tensor *y, const unet_block *b)
{
    int err = 0;
    plan_enter(f->p, "%s", b->name);
    for (int i = 0; i < b->count; i++) {
        tensor x = f->concat[--f->concats];
        int c = resblock_channels(&b->resnets[i]);
        bool upsampled = b->sampler.w && i == b->count - 1;
        *y = upsampled ? act_like(f->p, x, c) : next_input(f, x, c);
        TRY(resnet_attention(f, *y, x, b, i));
    }
    if (b->sampler.w) {
        tensor x = *y;
        *y = next_input(f, x, x.c);
        TRY(layer_conv3x3_up(f->p, *y, x, &b->sampler));
    }
    plan_leave(f->p);
out:
    return err;
}

int unet_forward(plan *p, const unet *u, tensor latents, tensor time, const tensor *kv, tensor eps)
{
    int err = 0, levels = u->config->levels;
    pass f = {.p = p, .u = u, .time = time, .kv = kv};
    tensor x, y, norm;

    x = new_skip(&f, latents.n, latents.h, latents.w, u->config->channels[0]);
    TRY(layer_conv3x3(p, x, latents, &u->conv_in, FUSE_NONE));
    for (int i = 0; i < levels; i++) TRY(down_block(&f, &x, &u->down[i]));
    TRY(mid_block(&f, next_input(&f, x, x.c), x));
    for (int i = 0; i < levels; i++) TRY(up_block(&f, &y, &u->up[i]));

    TRY(layer_groupnorm(p, &norm, y, &u->conv_norm_out, u->config->groups, u->config->norm_eps));
    TRY(layer_conv3x3(p, eps, y, &u->conv_out, fuse_norm(norm, true)));
out:
    return err;
}
