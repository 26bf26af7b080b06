/* SPDX-License-Identifier: MIT */
#include "ops/winograd.h"

static winograd_tiles tiles_of(tensor y, int side)
{
    return (winograd_tiles){side, (side + 2) * (side + 2), (int)ceil_div(y.h, side), (int)ceil_div(y.w, side)};
}

static int64_t products_of(winograd_tiles t) { return (int64_t)t.points * t.th * t.tw; }

winograd_tiles winograd_tiles_of(tensor y, int side)
{
    winograd_tiles t = tiles_of(y, side), of_4 = tiles_of(y, 4);
    return side == 6 && products_of(t) >= products_of(of_4) ? of_4 : t;
}

void winograd_input_args(args *a, const plan *p, const step *s, tensor v, const winograd_tiles *t)
{
    const conv_params *c = s->params;
    tensor in = s->t[MM_X];
    arg_tensor(a, p, v, in);
    arg_tensor(a, p, in, in);
    arg_tensor(a, p, s->t[MM_NORM], in);
    arg_int(a, in.h);
    arg_int(a, in.w);
    arg_int(a, in.c);
    arg_int(a, c->up_h);
    arg_int(a, c->up_w);
    arg_int(a, in.ld);
    arg_int(a, t->th);
    arg_int(a, t->tw);
}

void winograd_output_args(args *a, const step *s)
{
    tensor y = s->t[MM_Y];
    arg_int(a, y.h);
    arg_int(a, y.w);
    arg_int(a, y.c);
    conv_output_args(a, s);
}
