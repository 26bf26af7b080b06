/* SPDX-License-Identifier: MIT */
/* The upper levels of the decoder in strips of rows. Group normalisation needs the whole picture's statistics, so a level is a sequence of passes over it, and
 * what one pass leaves for the next is one tensor in one place, with the level's last channels:
 *   - first block: statistics of the upsampled input; its first convolution, kept; the second. The upsampled input is the largest tensor of an untiled
 *     level. It is made anew, strip by strip, in each of the three.
 *   - other blocks: statistics of the first convolution, which is not kept; both convolutions.
 * A block's output takes the place of its input, HALO rows higher: a strip never overwrites what the next one reads.
 * All strips are windows of one height, at the edges of the picture too, so that every layer has one shape, one implementation and one weight layout. */
#include "nn/vae.h"

/* Rows around a strip that are computed and thrown away. Two convolutions spoil two, and in Winograd's F(4x4, 3x3) whole tiles of four: with eight, and
 * windows that begin at multiples of four, the others have the bits that an untiled decoder gives them. */
enum { HALO = 8 };

typedef struct strips {
    plan *p;
    int level, groups;
    int h, step, window; /* rows of the level, of a strip, of a window: all even */
    tensor x;            /* the level below, whole */
    const layer *up;     /* upsamples it */
} strips;

/* A strip: rows [y, y + rows) of the level, within a window that begins `before` rows above. */
typedef struct strip {
    int y, rows, top, before;
} strip;

static strip strip_at(const strips *s, int y)
{
    int top = y - HALO;
    if (top > s->h - s->window) top = s->h - s->window;
    if (top < 0) top = 0;
    return (strip){y, s->h - y < s->step ? s->h - y : s->step, top, y - top};
}

static tensor window_of(const strips *s, tensor whole, strip a) { return lines(whole, a.top, s->window); }

static int keep(const strips *s, tensor whole, tensor window, strip a)
{
    return op_copy(s->p, lines(whole, a.y, a.rows), lines(window, a.before, a.rows));
}

static void enter_block(const strips *s, int i) { plan_enter(s->p, "up_blocks.%d.resnets.%d", s->level, i); }

static int upsampled(const strips *s, tensor *u, strip a)
{
    tensor below = lines(s->x, a.top / 2, s->window / 2);
    *u = plan_act(s->p, 1, s->window, 2 * s->x.w, s->x.c);
    plan_leave(s->p); /* the sampler is no part of the block */
    plan_enter(s->p, "up_blocks.%d", s->level - 1);
    int err = layer_conv3x3_up(s->p, *u, below, s->up);
    plan_leave(s->p);
    enter_block(s, 0);
    return err;
}

static int conv1(const strips *s, tensor *h, tensor x, tensor norm, const resblock *b)
{
    *h = act_like(s->p, x, resblock_channels(b));
    return layer_conv3x3(s->p, *h, x, &b->conv1, fuse_norm(norm, true));
}

/* y: a new window. x: the block's input. */
static int conv2(const strips *s, tensor *y, tensor h, tensor norm, tensor x, const resblock *b)
{
    int err = 0;
    fuse f = fuse_norm(norm, true);
    f.residual = x;
    if (b->conv_shortcut.w) {
        f.residual = act_like(s->p, x, resblock_channels(b));
        TRY(layer_gemm(s->p, f.residual, x, &b->conv_shortcut, FUSE_NONE));
    }
    *y = act_like(s->p, h, h.c);
    TRY(layer_conv3x3(s->p, *y, h, &b->conv2, f));
out:
    return err;
}

static int norm_begin(const strips *s, groupnorm_pieces *g, int w, int c)
{
    return op_groupnorm_begin(
        s->p, g, (tensor){.dt = plan_activation(s->p), .n = 1, .h = s->step, .w = w, .c = c, .ld = c}, s->h);
}

static int norm_piece(const strips *s, const groupnorm_pieces *g, tensor window, strip a)
{
    return op_groupnorm_piece(s->p, g, lines(window, a.before, a.rows), a.y);
}

static int norm_end(const strips *s, tensor *norm, const groupnorm_pieces *g, const layer *l)
{
    plan_enter(s->p, "%s", l->name);
    *norm = plan_tensor(s->p, F32, 1, 1, 2, g->piece.c);
    int err = op_groupnorm_end(s->p, *norm, g, plan_vector(s->p, l->w), plan_vector(s->p, l->b), s->groups,
                               vae_norm_eps);
    plan_leave(s->p);
    return err;
}

/* h: where the first convolution is kept; y: the output, HALO rows above it. */
static int first_block(const strips *s, tensor y, tensor h, const resblock *b)
{
    int err = 0;
    groupnorm_pieces g;
    tensor norm1, norm2, u, t;
    TRY(norm_begin(s, &g, h.w, s->x.c));
    for (int at = 0; at < s->h; at += s->step) {
        strip a = strip_at(s, at);
        TRY(upsampled(s, &u, a));
        TRY(norm_piece(s, &g, u, a));
    }
    TRY(norm_end(s, &norm1, &g, &b->norm1));
    for (int at = 0; at < s->h; at += s->step) {
        strip a = strip_at(s, at);
        TRY(upsampled(s, &u, a));
        TRY(conv1(s, &t, u, norm1, b));
        TRY(keep(s, h, t, a));
    }
    TRY(layer_groupnorm(s->p, &norm2, h, &b->norm2, s->groups, vae_norm_eps));
    for (int at = 0; at < s->h; at += s->step) {
        strip a = strip_at(s, at);
        TRY(upsampled(s, &u, a));
        TRY(conv2(s, &t, window_of(s, h, a), norm2, u, b));
        TRY(keep(s, y, t, a));
    }
out:
    return err;
}

/* y: HALO rows above x. */
static int next_block(const strips *s, tensor y, tensor x, const resblock *b)
{
    int err = 0;
    groupnorm_pieces g;
    tensor norm1, norm2, h, t;
    TRY(layer_groupnorm(s->p, &norm1, x, &b->norm1, s->groups, vae_norm_eps));
    TRY(norm_begin(s, &g, x.w, resblock_channels(b)));
    for (int at = 0; at < s->h; at += s->step) {
        strip a = strip_at(s, at);
        TRY(conv1(s, &h, window_of(s, x, a), norm1, b));
        TRY(norm_piece(s, &g, h, a));
    }
    TRY(norm_end(s, &norm2, &g, &b->norm2));
    for (int at = 0; at < s->h; at += s->step) {
        strip a = strip_at(s, at);
        TRY(conv1(s, &h, window_of(s, x, a), norm1, b));
        TRY(conv2(s, &t, h, norm2, window_of(s, x, a), b));
        TRY(keep(s, y, t, a));
    }
out:
    return err;
}

int vae_strip_of(const vae_decoder *d, int h, int strip)
{
    int top = d->config->levels - 1;
    return top > 0 && strip > 0 && strip < h && (strip << top) + 2 * HALO < h << top ? strip : 0;
}

static strips strips_of(plan *p, const vae_decoder *d, int level, int h, int rows)
{
    strips s = {.p = p, .level = level, .groups = d->config->groups, .h = h, .step = rows < h ? rows : h};
    s.window = s.step + 2 * HALO < h ? s.step + 2 * HALO : h;
    return s;
}

int vae_strips_level(plan *p, tensor *y, tensor x, const vae_decoder *d, int level, int rows)
{
    int err = 0;
    const vae_block *b = &d->up[level];
    int c = resblock_channels(&b->resnets[0]), w = 2 * x.w;
    strips s = strips_of(p, d, level, 2 * x.h, rows);
    s.x = x;
    s.up = &d->up[level - 1].sampler;
    tensor place = plan_act(p, 1, s.h + b->count * HALO, w, c);
    for (int i = 0; i < b->count; i++) {
        tensor in = lines(place, (b->count - i) * HALO, s.h), out = lines(place, (b->count - i - 1) * HALO, s.h);
        if (resblock_channels(&b->resnets[i]) != c)
            return FAIL(SDCL_EMODEL, "%s: residual blocks of %d and %d channels in one level", plan_scope(p), c,
                        resblock_channels(&b->resnets[i]));
        enter_block(&s, i);
        if (i == 0) TRY(first_block(&s, out, in, &b->resnets[i]));
        else TRY(next_block(&s, out, in, &b->resnets[i]));
        plan_leave(p);
    }
    *y = lines(place, 0, s.h);
out:
    return err;
}

int vae_strips_out(plan *p, tensor out, tensor x, const vae_decoder *d, int rows)
{
    int err = 0;
    tensor norm, t;
    strips s = strips_of(p, d, 0, x.h, rows);
    TRY(layer_groupnorm(p, &norm, x, &d->conv_norm_out, s.groups, vae_norm_eps));
    for (int at = 0; at < s.h; at += s.step) {
        strip a = strip_at(&s, at);
        t = plan_tensor(p, F32, 1, s.window, out.w, out.c);
        TRY(layer_conv3x3(p, t, window_of(&s, x, a), &d->conv_out, fuse_norm(norm, true)));
        TRY(keep(&s, out, t, a));
    }
out:
    return err;
}
