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

/* y = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + row))) */
int resblock_forward(plan *p, tensor y, tensor x, tensor row, const resblock *b, int groups, float eps)
{
    int err = 0;
    tensor h = act_like(p, y, y.c), s = x, norm1, norm2;
    fuse f;

    /* First, so that the normalised x can take the place of x. */
    if (b->conv_shortcut.w) {
        s = act_like(p, y, y.c);
        TRY(layer_gemm(p, s, x, &b->conv_shortcut, FUSE_NONE));
    }
    TRY(layer_groupnorm(p, &norm1, x, &b->norm1, groups, eps));
    f = fuse_norm(norm1, true);
    f.row = row;
    TRY(layer_conv3x3(p, h, x, &b->conv1, f));
    TRY(layer_groupnorm(p, &norm2, h, &b->norm2, groups, eps));
    f = fuse_norm(norm2, true);
    f.residual = s;
    TRY(layer_conv3x3(p, y, h, &b->conv2, f));
out:
    return err;
}
