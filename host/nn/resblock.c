/* SPDX-License-Identifier: MIT */
#include "nn/resblock.h"

int resblock_load(resblock *b, const params *p, const char *at, layer_stack *time)
{
    int err = 0;
    TRY(layer_load(&b->norm1, p, at, "norm1"));
    TRY(layer_load(&b->conv1, p, at, "conv1"));
    TRY(layer_load(&b->norm2, p, at, "norm2"));
    TRY(layer_load(&b->conv2, p, at, "conv2"));
    if (layer_exists(p, at, "conv_shortcut")) TRY(layer_load(&b->conv_shortcut, p, at, "conv_shortcut"));
    if (time) {
        b->first = time->w.rows;
        TRY(layer_stack_add(time, p, at, "time_emb_proj"));
        if (time->w.rows != b->first + b->conv1.w->rows)
            err = FAIL(SDCL_EMODEL, "%s: time_emb_proj has %d rows for %d channels", at, time->w.rows - b->first,
                       b->conv1.w->rows);
    }
out:
    return err;
}

/* y = conv(silu(norm(x))) + row + residual, where there are such; y may be residual. */
static int norm_silu_conv(plan *p, tensor y, tensor x, const layer *norm, const layer *conv, tensor row,
                          tensor residual, int groups, float eps)
{
    int err = 0;
    tensor scaling;
    TRY(layer_groupnorm(p, &scaling, x, norm, groups, eps));
    fuse f = fuse_norm(scaling, true);
    f.row = row;
    f.residual = residual;
    TRY(layer_conv3x3(p, y, x, conv, f));
out:
    return err;
}

static int first_half(plan *p, tensor h, tensor x, tensor row, const resblock *b, int groups, float eps)
{
    return norm_silu_conv(p, h, x, &b->norm1, &b->conv1, row, NO_TENSOR, groups, eps);
}

static int second_half(plan *p, tensor y, tensor h, tensor s, const resblock *b, int groups, float eps)
{
    return norm_silu_conv(p, y, h, &b->norm2, &b->conv2, NO_TENSOR, s, groups, eps);
}

int resblock_forward(plan *p, tensor y, tensor x, tensor row, const resblock *b, int groups, float eps)
{
    int err = 0;
    tensor h = act_like(p, y, y.c), s = x;

    /* First, so that the normalised x can take the place of x. */
    if (b->conv_shortcut.w) {
        s = act_like(p, y, y.c);
        TRY(layer_gemm(p, s, x, &b->conv_shortcut, FUSE_NONE));
    }
    TRY(first_half(p, h, x, row, b, groups, eps));
    TRY(second_half(p, y, h, s, b, groups, eps));
out:
    return err;
}

/* The shortcut of x from where x begins, strip by strip: as its rows are shorter, it falls behind what has been read. Only the first strips would
 * overwrite themselves, and go by way of a tensor of their own. */
static int shortcut_over(plan *p, tensor *s, tensor x, const layer *l)
{
    enum { STRIPS_MAX = 16 };
    int err = 0, strips = STRIPS_MAX;
    while (x.h % strips) strips /= 2;
    int step = x.h / strips, c = l->w->rows;
    tensor from = x, to;
    from.n = 1;
    from.h = x.n * x.h;
    to = from;
    to.c = to.ld = c;
    for (int at = 0; at < from.h; at += step) {
        tensor a = lines(to, at, step), t = a;
        bool overlaps = (int64_t)(at + step) * c > (int64_t)at * x.c;
        if (overlaps) t = act_like(p, a, c);
        TRY(layer_gemm(p, t, lines(from, at, step), l, FUSE_NONE));
        if (overlaps) TRY(op_copy(p, a, t));
    }
    *s = x;
    s->c = s->ld = c;
out:
    return err;
}

int resblock_replace(plan *p, tensor *y, tensor x, const resblock *b, int groups, float eps)
{
    int err = 0, c = resblock_channels(b);
    tensor h = act_like(p, x, c);
    if (c > x.c || x.ld != x.c)
        return FAIL(SDCL_EINTERNAL, "%s: %d channels do not take the place of %d", plan_scope(p), c, x.c);
    TRY(first_half(p, h, x, NO_TENSOR, b, groups, eps));
    *y = x;
    if (b->conv_shortcut.w) TRY(shortcut_over(p, y, x, &b->conv_shortcut));
    TRY(second_half(p, *y, h, *y, b, groups, eps));
out:
    return err;
}
