/* SPDX-License-Identifier: MIT */
/* A layer: weight, bias and the module name that messages and profiles show. The functions append an op with the
 * layer's parameters. */
#ifndef SDCL_NN_LAYER_H
#define SDCL_NN_LAYER_H

#include "nn/params.h"
#include "ops/ops.h"

enum { LAYER_NAME = 96 };

typedef struct layer {
    char name[LAYER_NAME]; /* "conv1", within the scope of the module that uses it */
    weight *w, *b;         /* b: NULL without a bias */
} layer;

/* Binds at.name.weight and, where the model has it, at.name.bias. at may be "". name may stack, as in params.h. */
int layer_load(layer *l, const params *p, const char *at, const char *name);
/* Does the model have it? For layers that only some shapes need. */
bool layer_exists(const params *p, const char *at, const char *name);

/* A stack of layers of equal input, bound as one. */
typedef struct layer_stack {
    stack w, b;
} layer_stack;

int layer_stack_add(layer_stack *s, const params *p, const char *at, const char *name);
int layer_stack_bind(const layer_stack *s, const params *p, layer *l, const char *name);

/* As the op of the same name; the bias is the layer's. */
int layer_gemm(plan *p, tensor y, tensor x, const layer *l, fuse f);
int layer_conv3x3(plan *p, tensor y, tensor x, const layer *l, fuse f);
/* Stride 2. */
int layer_conv3x3_down(plan *p, tensor y, tensor x, const layer *l, conv_padding padding);
/* x is upsampled to the size of y first. */
int layer_conv3x3_up(plan *p, tensor y, tensor x, const layer *l);
/* Over channels. */
int layer_norm(plan *p, tensor y, tensor x, const layer *l, float eps);
/* *norm: a new tensor of scales and shifts, for a fuse. */
int layer_groupnorm(plan *p, tensor *norm, tensor x, const layer *l, int groups, float eps);

/* What is fused into a layer. */
static inline fuse fuse_residual(tensor residual)
{
    fuse f = FUSE_NONE;
    f.residual = residual;
    return f;
}

static inline fuse fuse_act(activation act)
{
    fuse f = FUSE_NONE;
    f.act = act;
    return f;
}

static inline fuse fuse_norm(tensor norm, bool silu)
{
    fuse f = FUSE_NONE;
    f.norm = norm;
    f.norm_silu = silu;
    return f;
}

/* Activations of the shape of x, with other channels. */
static inline tensor act_like(plan *p, tensor x, int c) { return plan_act(p, x.n, x.h, x.w, c); }

#endif
