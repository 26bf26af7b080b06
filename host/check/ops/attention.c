/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ops/attention.h"
#include "ref/ref.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct shape {
    int images, tq, tk, heads, d, causal, gap;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, 0, 0},         {1, 5, 3, 1, 3, 0, 0},      {2, 9, 9, 2, 5, 1, 0},
    {2, 77, 77, 4, 8, 1, 3},       {1, 63, 77, 4, 7, 0, 0},    {2, 64, 64, 2, 12, 0, 2},
    {1, 100, 130, 1, 40, 0, 0},    {1, 20, 70, 2, 24, 0, 1},   {1, 33, 65, 1, 72, 0, 0},
    {1, 19, 70, 2, 160, 0, 0},     {1, 40, 40, 1, 80, 1, 1},   {1, 2100, 2100, 1, 2, 1, 0}, /* more than one slice */
    {2, 4096, 4096, 8, 40, 0, 0},  {2, 4096, 77, 8, 40, 0, 0}, {2, 1024, 1024, 8, 80, 0, 0},
    {1, 1024, 1024, 1, 512, 0, 0},
};
enum { TESTS = 12, ALL = sizeof shapes / sizeof *shapes };

static void describe_shape(shape s, char *text, size_t size)
{
    snprintf(text, size, "%dx%dx%d, %d heads of %d%s%s", s.images, s.tq, s.tk, s.heads, s.d, s.causal ? " causal" : "",
             s.gap ? " strided" : "");
}

static void describe(int i, char *text, size_t size) { describe_shape(shapes[i], text, size); }

static int run_shape(check *t, shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    int c = s.heads * s.d;
    double scale = 1 / sqrt(s.d);
    tensor q = check_in(t, dt, s.images, 1, s.tq, c, s.gap), k = check_in(t, dt, s.images, 1, s.tk, c, 2 * s.gap);
    tensor v = check_in(t, dt, s.images, 1, s.tk, c, s.gap), y = check_out(t, dt, s.images, 1, s.tq, c, s.gap);
    ref_attention(check_want(t, y), check_values(t, q), check_values(t, k), check_values(t, v), s.images, s.tq, s.tk,
                  s.heads, s.d, (float)scale, s.causal, check_step(t, 3.0 * rows_of(q) * s.tk * c));
    TRY(op_attention(check_plan(t), y, q, k, v, s.heads, (float)scale, s.causal));
    /* Equal values are the worst case of a plain sum over the keys: its error grows with their number. Scores of large values are large, and so is what
     * their rounding does to the exponentials. */
    TRY(check_finish(t, 50 + 0.5 * s.tk + (check_cancellation(t) > 1 ? 4 * s.d : 0),
                     (2.0 * rows_of(q) + 2.0 * rows_of(k)) * c * dtype_size(dt)));
out:
    return err;
}

static int run(check *t, int i) { return run_shape(t, shapes[i]); }

/* --- steps of a plan --- */

static bool of_step(const step *s, check_key *key)
{
    const attention_params *a = s->params;
    tensor q = s->t[ATT_Q];
    const int v[] = {q.n, tokens_of(q), tokens_of(s->t[ATT_K]), a->heads, head_size(s), a->causal};
    memcpy(key->v, v, sizeof v);
    return true;
}

static shape of_key(const int *v)
{
    return (shape){.images = v[0], .tq = v[1], .tk = v[2], .heads = v[3], .d = v[4], .causal = v[5]};
}

static int run_key(check *t, const int *v) { return run_shape(t, of_key(v)); }
static void describe_key(const int *v, char *text, size_t size) { describe_shape(of_key(v), text, size); }

const check_keyed keyed_attention = {"attention", 6, 5, of_step, run_key, describe_key, NULL};

const check_op check_attention = {"attention", "attention", TESTS, ALL - TESTS, run, describe};
