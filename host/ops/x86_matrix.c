/* SPDX-License-Identifier: MIT */
#include "ops/x86_matrix.h"

#include "base/clock.h"
#include "base/half.h"
#include "ocl/cpu_tiles.h"
#include "ops/matmul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The product that is tried: rows, columns, summed values. */
enum { M = 384, N = 384, K = 256, RUNS = 3, TURNS = 5 };

/* By the CPU: the program would otherwise die of an illegal instruction. */
static bool offered(const ocl *o, x86_engine e)
{
    if (!ocl_device_of(o)->cpu) return false;
#if defined __x86_64__
    bool dot = __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bf16"); /* for AMX too: it rounds by it */
    if (e == X86_DOT) return dot;
    if (e == X86_AMX) return dot && cpu_tiles_allowed();
#endif
    return e == X86_PLAIN;
}

typedef struct trial {
    ocl *o;
    plan *p; /* carries the configuration; has no steps */
    float *x, *w, *y;
    uint16_t *pairs;
    cl_mem x_mem, w_mem, y_mem;
} trial;

static void close_trial(trial *t)
{
    ocl_buffer_free(t->o, &t->x_mem);
    ocl_buffer_free(t->o, &t->w_mem);
    ocl_buffer_free(t->o, &t->y_mem);
    plan_free(&t->p);
    free(t->x);
    free(t->w);
    free(t->y);
    free(t->pairs);
}

static int open_trial(trial *t, ocl *o)
{
    int err = 0;
    uint32_t random = 1;
    t->o = o;
    TRY(plan_new(&t->p, o, "probe"));
    t->x = malloc(M * K * sizeof *t->x);
    t->w = malloc(N * K * sizeof *t->w);
    t->y = malloc(M * N * sizeof *t->y);
    t->pairs = malloc(N * K * sizeof *t->pairs);
    if (!t->x || !t->w || !t->y || !t->pairs) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    for (int i = 0; i < (M + N) * K; i++) {
        random = random * 1664525u + 1013904223u;
        float *to = i < M * K ? &t->x[i] : &t->w[i - M * K];
        *to = bf16_to_float(float_to_bf16((float)(random >> 8) * 0x1p-23f - 1));
    }
    for (int n = 0; n < N; n++)
        for (int k = 0; k < K; k++)
            t->pairs[((n / 16 * (K / 2) + k / 2) * 16 + n % 16) * 2 + k % 2] = float_to_bf16(t->w[n * K + k]);
    TRY(ocl_buffer_new(o, &t->x_mem, M * K * sizeof *t->x));
    TRY(ocl_buffer_new(o, &t->w_mem, N * K * sizeof *t->w));
    TRY(ocl_buffer_new(o, &t->y_mem, M * N * sizeof *t->y));
    TRY(ocl_write(o, t->x_mem, 0, M * K * sizeof *t->x, t->x));
out:
    return err;
}

/* Least seconds of a product on an engine so far; w_mem holds its weights. */
static int time_engine(trial *t, const gemm_engine *g, double *seconds)
{
    int err = 0;
    gemm_call c = {.y = t->y_mem, .x = t->x_mem, .w = t->w_mem, .m = M, .n = N, .k = K, .ldx = K, .ldy = N, .image = M};
    c.bias = c.row = c.residual = c.norm = c.x;
    TRY(ocl_kernel_wait(t->o, g->kernel));
    for (int i = 0; i < RUNS; i++) {
        double start = seconds_now();
        TRY(g->run(t->p, g, "probe", &c));
        TRY(ocl_finish(t->o));
        *seconds = fmin(*seconds, seconds_now() - start);
    }
out:
    return err;
}

/* Sums of products of two bf16 are exact but for the order of f32 additions. */
static bool right(const trial *t)
{
    for (int i = 0; i < 400; i++) {
        int m = i * 37 % M, n = i * 53 % N;
        double want = 0, got = t->y[m * N + n];
        for (int k = 0; k < K; k++) want += (double)t->x[m * K + k] * t->w[n * K + k];
        if (!(fabs(got - want) <= 1e-4 * sqrt((double)K))) return false;
    }
    return true;
}

static int open_engine(trial *t, gemm_engine *g, ocl *o, x86_engine e)
{
    int err = 0;
    *g = (gemm_engine){0};
    TRY(open_trial(t, o));
    if (e == X86_NONE) TRY(gemm_cpu_engine(t->p, g, (ocl_shape){M, N, K}, F32, F32, F32));
    else TRY(gemm_matrix_engine(t->p, g, (ocl_shape){M, N, K}, (int)e, F32, F32));
    if (e != X86_NONE) TRY(ocl_write(o, t->w_mem, 0, N * K * sizeof *t->pairs, t->pairs));
    else TRY(ocl_write(o, t->w_mem, 0, N * K * sizeof *t->w, t->w)); /* in the wrong order, which takes as long */
out:
    return err;
}

static bool try_engine(ocl *o, x86_engine e)
{
    int err = 0;
    double seconds = INFINITY;
    trial t = {.o = o};
    gemm_engine g;
    if (!offered(o, e)) return false;
    TRY(open_engine(&t, &g, o, e));
    TRY(time_engine(&t, &g, &seconds));
    TRY(ocl_read(o, t.y_mem, 0, M * N * sizeof *t.y, t.y));
    if (!right(&t)) err = FAIL(SDCL_ERESULT, "wrong sums");
out:
    close_trial(&t);
    return !err;
}

bool x86_matrix_works(ocl *o, x86_engine e)
{
    int *known = ocl_probed(o, PROBE_X86_WORKS), tried = 1 << (2 * e), works = 2 << (2 * e);
    if (*known < 0) *known = 0;
    if (!(*known & tried)) *known |= tried | (try_engine(o, e) ? works : 0);
    return *known & works;
}

/* The engines take turns, so that a machine that is slow for a while is slow for all; AMX and f32 (X86_NONE) have to win clearly, so that the choice is the same every
 * time where they are close. */
static int fastest(ocl *o, int *best)
{
    int err = 0;
    trial t[X86_ENGINES + 1] = {0};
    gemm_engine g[X86_ENGINES + 1];
    double seconds[X86_ENGINES + 1];
    bool in[X86_ENGINES + 1] = {[X86_NONE] = true};
    for (int e = X86_DOT; e < X86_ENGINES; e++) in[e] = x86_matrix_works(o, (x86_engine)e);
    for (int e = X86_DOT; e <= X86_NONE; e++) {
        seconds[e] = INFINITY;
        t[e].o = o;
        if (in[e]) TRY(open_engine(&t[e], &g[e], o, (x86_engine)e));
    }
    for (int turn = 0; turn < TURNS; turn++)
        for (int e = X86_DOT; e <= X86_NONE; e++)
            if (in[e]) TRY(time_engine(&t[e], &g[e], &seconds[e]));
    *best = X86_DOT;
    if (seconds[X86_AMX] < 0.8 * seconds[X86_DOT]) *best = X86_AMX;
    if (!(seconds[*best] < 1.1 * seconds[X86_NONE])) *best = X86_NONE;
out:
    for (int e = X86_DOT; e <= X86_NONE; e++)
        if (t[e].o) close_trial(&t[e]);
    return err;
}

x86_engine x86_matrix_best(ocl *o)
{
    int *known = ocl_probed(o, PROBE_X86_BEST);
    if (*known < 0 && fastest(o, known)) *known = X86_NONE;
    return (x86_engine)*known;
}
