/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ref/ref.h"

#include <math.h>
#include <stdio.h>

static const struct shape {
    int images, tq, tk, heads, d, causal, gap;
} shapes[] = {
    {1, 1, 1, 1, 1, 0, 0},         {1, 5, 3, 1, 3, 0, 0},      {2, 9, 9, 2, 5, 1, 0},
    {2, 77, 77, 4, 8, 1, 3},       {1, 63, 77, 4, 7, 0, 0},    {2, 64, 64, 2, 12, 0, 2},
    {1, 100, 130, 1, 40, 0, 0},    {1, 20, 70, 2, 24, 0, 1},   {1, 33, 65, 1, 72, 0, 0},
    {1, 2100, 2100, 1, 2, 1, 0}, /* more than one slice */
    {2, 4096, 4096, 8, 40, 0, 0},  {2, 4096, 77, 8, 40, 0, 0}, {2, 1024, 1024, 8, 80, 0, 0},
    {1, 1024, 1024, 1, 512, 0, 0},
};
enum { TESTS = 10, ALL = sizeof shapes / sizeof *shapes };

static void describe(int i, char *text, size_t size)
{
    const struct shape *s = &shapes[i];
    snprintf(text, size, "%dx%dx%d, %d heads of %d%s%s", s->images, s->tq, s->tk, s->heads, s->d,
             s->causal ? " causal" : "", s->gap ? " strided" : "");
}

static int run(check *t, int i)
{
    int err = 0;
    const struct shape *s = &shapes[i];
    dtype dt = check_dtype(t);
    int c = s->heads * s->d;
    double scale = 1 / sqrt(s->d);
    tensor q = check_in(t, dt, s->images, 1, s->tq, c, s->gap), k = check_in(t, dt, s->images, 1, s->tk, c, 2 * s->gap);
    tensor v = check_in(t, dt, s->images, 1, s->tk, c, s->gap), y = check_out(t, dt, s->images, 1, s->tq, c, s->gap);
    ref_attention(check_want(t, y), check_values(t, q), check_values(t, k), check_values(t, v), s->images, s->tq, s->tk,
                  s->heads, s->d, (float)scale, s->causal, check_step(3.0 * rows_of(q) * s->tk * c));
    TRY(op_attention(check_plan(t), y, q, k, v, s->heads, (float)scale, s->causal));
    /* Equal values are the worst case of a plain sum over the keys: its error grows with their number. */
    TRY(check_finish(t, 50 + 0.5 * s->tk, (2.0 * rows_of(q) + 2.0 * rows_of(k)) * c * dtype_size(dt)));
out:
    return err;
}

const check_op check_attention = {"attention", "attention", TESTS, ALL - TESTS, run, describe};
