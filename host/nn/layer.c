/* SPDX-License-Identifier: MIT */
#include "nn/layer.h"

#include <stdio.h>

static void parameter_name(char out[PARAMS_NAME], const char *at, const char *name, const char *parameter)
{
    params_name(out, "%s%s%s.%s", at, *at ? "." : "", name, parameter);
}

bool layer_exists(const params *p, const char *at, const char *name)
{
    char path[PARAMS_NAME];
    parameter_name(path, at, name, "weight");
    return params_has(p, path);
}

int layer_stack_add(layer_stack *s, const params *p, const char *at, const char *name)
{
    int err = 0;
    char path[PARAMS_NAME];
    parameter_name(path, at, name, "weight");
    TRY(stack_add(&s->w, p, path));
    parameter_name(path, at, name, "bias");
    if (params_has(p, path)) TRY(stack_add(&s->b, p, path));
    if (s->b.count && s->b.rows != s->w.rows)
        err = FAIL(SDCL_EMODEL, "%s: %d values for %d rows", path, s->b.rows, s->w.rows);
out:
    return err;
}

int layer_stack_bind(const layer_stack *s, const params *p, layer *l, const char *name)
{
    int err = 0;
    snprintf(l->name, sizeof l->name, "%s", name);
    TRY(stack_bind(&s->w, p, &l->w));
    if (s->b.count) TRY(stack_bind(&s->b, p, &l->b));
out:
    return err;
}

int layer_load(layer *l, const params *p, const char *at, const char *name)
{
    int err = 0;
    layer_stack s = {0};
    *l = (layer){0};
    TRY(layer_stack_add(&s, p, at, name));
    TRY(layer_stack_bind(&s, p, l, name));
out:
    return err;
}

int layer_gemm(plan *p, tensor y, tensor x, const layer *l, fuse f)
{
    plan_enter(p, "%s", l->name);
    f.bias = plan_vector(p, l->b);
    int err = op_gemm(p, y, x, l->w, f);
    plan_leave(p);
    return err;
}

static int conv3x3(plan *p, tensor y, tensor x, const layer *l, int stride, conv_padding padding, int up_h, int up_w,
                   fuse f)
{
    plan_enter(p, "%s", l->name);
    f.bias = plan_vector(p, l->b);
    int err = op_conv3x3(p, y, x, l->w, stride, padding, up_h, up_w, f);
    plan_leave(p);
    return err;
}

int layer_conv3x3(plan *p, tensor y, tensor x, const layer *l, fuse f)
{
    return conv3x3(p, y, x, l, 1, PAD_SAME, 0, 0, f);
}

int layer_conv3x3_down(plan *p, tensor y, tensor x, const layer *l, conv_padding padding)
{
    return conv3x3(p, y, x, l, 2, padding, 0, 0, FUSE_NONE);
}

int layer_conv3x3_up(plan *p, tensor y, tensor x, const layer *l)
{
    return conv3x3(p, y, x, l, 1, PAD_SAME, y.h, y.w, FUSE_NONE);
}

int layer_norm(plan *p, tensor y, tensor x, const layer *l, float eps)
{
    plan_enter(p, "%s", l->name);
    int err = op_layernorm(p, y, x, plan_vector(p, l->w), plan_vector(p, l->b), eps);
    plan_leave(p);
    return err;
}

int layer_groupnorm(plan *p, tensor *norm, tensor x, const layer *l, int groups, float eps)
{
    plan_enter(p, "%s", l->name);
    *norm = plan_tensor(p, F32, x.n, 1, 2, x.c);
    int err = op_groupnorm_stats(p, *norm, x, plan_vector(p, l->w), plan_vector(p, l->b), groups, eps);
    plan_leave(p);
    return err;
}
