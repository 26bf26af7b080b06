/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ops/attention.h"
#include "ref/ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RISING: scores far beyond the exponents of a float, that rise with the keys, or fall. */
typedef enum kind { PLAIN, CAUSAL, RISING } kind;

typedef struct shape {
    int images, tq, tk, heads, d;
    kind kind;
    int gap;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, PLAIN, 0},        {1, 5, 3, 1, 3, PLAIN, 0},
    {2, 9, 9, 2, 5, CAUSAL, 0},       {2, 77, 77, 4, 8, CAUSAL, 3},
    {1, 63, 77, 4, 7, PLAIN, 0},      {2, 64, 64, 2, 12, PLAIN, 2},
    {1, 100, 130, 1, 40, PLAIN, 0},   {1, 20, 70, 2, 24, PLAIN, 1},
    {1, 33, 65, 1, 72, PLAIN, 0},     {1, 19, 70, 2, 160, PLAIN, 0},
    {1, 40, 40, 1, 80, CAUSAL, 1},    {1, 2100, 2100, 1, 2, CAUSAL, 0}, /* more than one slice */
    {1, 70, 180, 2, 16, RISING, 0},   {2, 4096, 4096, 8, 40, PLAIN, 0},
    {2, 4096, 77, 8, 40, PLAIN, 0},   {2, 1024, 1024, 8, 80, PLAIN, 0},
    {2, 1024, 77, 8, 80, PLAIN, 0},   {1, 9216, 9216, 8, 40, PLAIN, 0},
    {1, 2304, 2304, 8, 80, PLAIN, 0}, {1, 1024, 1024, 1, 512, PLAIN, 0},
};
enum { TESTS = 13, ALL = sizeof shapes / sizeof *shapes };

static void describe_shape(shape s, char *text, size_t size)
{
    static const char *const kinds[] = {"", " causal", " rising"};
    snprintf(text, size, "%dx%dx%d, %d heads of %d%s%s", s.images, s.tq, s.tk, s.heads, s.d, kinds[s.kind],
             s.gap ? " strided" : "");
}

static void describe(int i, char *text, size_t size) { describe_shape(shapes[i], text, size); }

/* Numbers of few bits: key j is 20 + j in all channels, queries rise or fall by one to four quarters. */
static int set_rising(check *t, tensor q, tensor k)
{
    int err = 0;
    int64_t most = (rows_of(q) > rows_of(k) ? rows_of(q) : rows_of(k)) * q.c;
    double *values = malloc((size_t)most * sizeof *values);
    if (!values) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int64_t i = 0; i < rows_of(k) * k.c; i++) values[i] = 20 + (double)(i / k.c % tokens_of(k));
    TRY(check_set(t, k, values));
    for (int64_t i = 0; i < rows_of(q) * q.c; i++) {
        int64_t r = i / q.c;
        values[i] = (r % 2 ? 0.25 : -0.25) * (double)(1 + r / 2 % 4);
    }
    TRY(check_set(t, q, values));
out:
    free(values);
    return err;
}

static int run_shape(check *t, shape s)
{
    int err = 0;
    dtype dt = check_dtype(t);
    int c = s.heads * s.d;
    double scale = 1 / sqrt(s.d);
    tensor q = check_in(t, dt, s.images, 1, s.tq, c, s.gap), k = check_in(t, dt, s.images, 1, s.tk, c, 2 * s.gap);
    tensor v = check_in(t, dt, s.images, 1, s.tk, c, s.gap), y = check_out(t, dt, s.images, 1, s.tq, c, s.gap);
    if (s.kind == RISING) TRY(set_rising(t, q, k));
    ref_attention(check_want(t, y), check_values(t, q), check_values(t, k), check_values(t, v), s.images, s.tq, s.tk,
                  s.heads, s.d, (float)scale, s.kind == CAUSAL, check_step(t, 3.0 * rows_of(q) * s.tk * c));
    TRY(op_attention(check_plan(t), y, q, k, v, s.heads, (float)scale, s.kind == CAUSAL));
    /* Equal values are the worst case of a plain sum over the keys: its error grows with their number. Scores of large values are large, and so is what
     * their rounding does to the exponentials. */
    TRY(check_finish(t,
                     50 + 0.5 * s.tk +
                         (s.kind == RISING            ? 16 * s.d
                          : check_cancellation(t) > 1 ? 4 * s.d
                                                      : 0),
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
    return (shape){.images = v[0], .tq = v[1], .tk = v[2], .heads = v[3], .d = v[4], .kind = v[5] ? CAUSAL : PLAIN};
}

static int run_key(check *t, const int *v) { return run_shape(t, of_key(v)); }
static void describe_key(const int *v, char *text, size_t size) { describe_shape(of_key(v), text, size); }

const check_keyed keyed_attention = {"attention", 6, 5, of_step, run_key, describe_key, NULL};

const check_op check_attention = {"attention", "attention", TESTS, ALL - TESTS, run, describe};
