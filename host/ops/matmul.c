/* SPDX-License-Identifier: MIT */
#include "ops/matmul.h"

int matmul_flags(const plan *p, const char *op, tensor y, int columns, const fuse *f, int *flags)
{
    *flags = (int)f->act << FLAG_ACT_SHIFT;
    if (has(f->bias)) {
        *flags |= FLAG_BIAS;
        if (f->bias.dt != F32 || f->bias.c != columns)
            return FAIL(SDCL_EMODEL, "%s: %s: bias has %d values, expected %d", plan_scope(p), op, f->bias.c, columns);
    }
    if (has(f->row)) {
        *flags |= FLAG_ROW;
        if (f->row.dt != F32 || (f->row.n != y.n && f->row.n != 1) || f->row.c != y.c)
            return FAIL(SDCL_EINTERNAL, "%s: %s: row is (%d,..,%d), output (%d,..,%d)", plan_scope(p), op, f->row.n,
                        f->row.c, y.n, y.c);
    }
    if (has(f->residual)) {
        *flags |= FLAG_RESIDUAL;
        if (f->residual.dt != y.dt || !same_shape(f->residual, y))
            return FAIL(SDCL_EINTERNAL, "%s: %s: the residual's shape is not the output's", plan_scope(p), op);
    }
    if (f->norm_silu) *flags |= FLAG_NORM_SILU;
    if (f->geglu) {
        *flags |= FLAG_GEGLU;
        if (f->act != ACT_NONE || has(f->row))
            return FAIL(SDCL_EINTERNAL, "%s: %s: GEGLU excludes row and activation", plan_scope(p), op);
    }
    return 0;
}

int matmul_step(plan *p, step *s, const op *o, tensor y, tensor x, weight *w, void *params, const fuse *f)
{
    int err = 0;
    *s = (step){.op = o, .shape = {y.h * y.w, w->rows, x.c}, .operands = MM_OPERANDS, .w = {w}, .params = params};
    s->t[MM_Y] = y;
    s->t[MM_X] = x;
    s->t[MM_BIAS] = f->bias;
    s->t[MM_ROW] = f->row;
    if (f->row.n == 1) s->t[MM_ROW].ld = 0; /* the same for all images */
    s->t[MM_RESIDUAL] = f->residual;
    s->t[MM_NORM] = NO_TENSOR;
    s->role[MM_Y] = ROLE_OUT;
    TRY(plan_choose(p, s));
    if (has(f->norm) && s->impl->fuses_norm) s->t[MM_NORM] = f->norm;
    else if (has(f->norm)) {
        tensor normed = plan_act(p, x.n, x.h, x.w, x.c);
        TRY(op_norm_apply(p, normed, x, f->norm, f->norm_silu));
        s->t[MM_X] = normed;
    }
out:
    return err;
}

void gemm_call_of(const plan *p, const step *s, gemm_call *c)
{
    const tensor *t = s->t;
    tensor bias = has(t[MM_BIAS]) ? t[MM_BIAS] : t[MM_X], row = has(t[MM_ROW]) ? t[MM_ROW] : t[MM_X];
    tensor residual = has(t[MM_RESIDUAL]) ? t[MM_RESIDUAL] : t[MM_X];
    tensor norm = has(t[MM_NORM]) ? t[MM_NORM] : t[MM_X];
    *c = (gemm_call){.y = tensor_mem(p, t[MM_Y]),
                     .y_off = tensor_off(p, t[MM_Y]),
                     .x = tensor_mem(p, t[MM_X]),
                     .x_off = tensor_off(p, t[MM_X]),
                     .w = weight_mem(s->w[0]),
                     .bias = tensor_mem(p, bias),
                     .bias_off = tensor_off(p, bias),
                     .row = tensor_mem(p, row),
                     .row_off = tensor_off(p, row),
                     .residual = tensor_mem(p, residual),
                     .residual_off = tensor_off(p, residual),
                     .norm = tensor_mem(p, norm),
                     .norm_off = tensor_off(p, norm),
                     .m = rows_of(t[MM_X]),
                     .n = s->w[0]->rows,
                     .k = t[MM_X].c,
                     .ldx = t[MM_X].ld,
                     .ldy = t[MM_Y].ld,
                     .ldr = residual.ld,
                     .ldrow = row.ld,
                     .image = t[MM_X].h * t[MM_X].w,
                     .flags = *(const int *)s->params};
}

void gemm_args(args *a, const gemm_call *c)
{
    arg_mem(a, c->y, c->y_off);
    arg_mem(a, c->x, c->x_off);
    arg_mem(a, c->w, c->w_off);
    arg_mem(a, c->bias, c->bias_off);
    arg_mem(a, c->row, c->row_off);
    arg_mem(a, c->residual, c->residual_off);
    arg_int(a, c->m);
    arg_int(a, c->n);
    arg_int(a, c->k);
    arg_int(a, c->ldx);
    arg_int(a, c->ldy);
    arg_int(a, c->ldr);
    arg_int(a, c->ldrow);
    arg_int(a, c->image);
    arg_int(a, c->flags);
}

int gemm_run_blocks(args *a, const plan *p, const gemm_engine *g, const char *module, const gemm_call *c, int panels,
                    int rb, int pb)
{
    gemm_call call = *c;
    size_t across = ceil_div(panels, pb), down = ceil_div(c->m, rb);
    bool rows_first = c->n / 2 > c->m; /* bytes of weights, two each, and of activations */
    if (rows_first) call.flags |= FLAG_ROWS_FIRST;
    gemm_args(a, &call);
    arg_int(a, rb);
    arg_int(a, pb);
    return args_run(a, p, g->kernel, module, rows_first ? down : across, rows_first ? across : down, 1, 1, 1);
}

int gemm_step_prepare(plan *p, step *s,
                      int (*engine)(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt))
{
    int err = 0;
    gemm_engine *g = plan_step_alloc(p, sizeof *g);
    if (!g) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = g;
    g->flags = *(const int *)s->params;
    g->norm = has(s->t[MM_NORM]) ? 1 + (g->flags & FLAG_NORM_SILU ? 1 : 0) : 0;
    TRY(engine(p, g, s->shape, s->t[MM_X].dt, s->w[0]->dt, s->t[MM_Y].dt));
    s->kernel[0] = g->kernel;
    TRY(weight_set_layout(s->w[0], LAYOUT_PANELS, g->panel, g->flags & FLAG_GEGLU));
out:
    return err;
}

int gemm_step_launch(plan *p, const step *s)
{
    const gemm_engine *g = s->state;
    gemm_call c;
    gemm_call_of(p, s, &c);
    return g->run(p, g, s->module, &c);
}

void conv_tensor_args(args *a, const plan *p, const step *s)
{
    tensor x = s->t[MM_X];
    arg_tensor(a, p, s->t[MM_Y], x);
    arg_tensor(a, p, x, x);
    arg_mem(a, weight_mem(s->w[0]), 0);
    arg_tensor(a, p, s->t[MM_BIAS], x);
    arg_tensor(a, p, s->t[MM_ROW], x);
    arg_tensor(a, p, s->t[MM_RESIDUAL], x);
}

void conv_shape_args(args *a, const step *s)
{
    const conv_params *c = s->params;
    tensor y = s->t[MM_Y], x = s->t[MM_X];
    arg_int(a, x.n);
    arg_int(a, x.h);
    arg_int(a, x.w);
    arg_int(a, x.c);
    arg_int(a, c->up_h);
    arg_int(a, c->up_w);
    arg_int(a, y.h);
    arg_int(a, y.w);
    arg_int(a, c->stride);
    arg_int(a, c->pad);
    arg_int(a, y.c);
    arg_int(a, x.ld);
    conv_output_args(a, s);
}

void conv_output_args(args *a, const step *s)
{
    const conv_params *c = s->params;
    tensor row = s->t[MM_ROW], residual = s->t[MM_RESIDUAL];
    arg_int(a, s->t[MM_Y].ld);
    arg_int(a, has(residual) ? residual.ld : 0);
    arg_int(a, has(row) ? row.ld : 0);
    arg_int(a, c->flags);
}
