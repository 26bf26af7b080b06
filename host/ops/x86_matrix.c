/* SPDX-License-Identifier: MIT */
#include "ops/x86_matrix.h"

#include "base/half.h"
#include "ocl/cpu_tiles.h"
#include "ocl/probe.h"
#include "ops/matmul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#if defined __x86_64__
#include <cpuid.h>
#endif

/* The product that is tried: rows, columns, summed values. */
enum { M = 384, N = 384, K = 256 };

enum { RACES_MOST = 10 };
/* Times as fast as the other. */
#define OVER_DOT 1.25 /* AMX, to be chosen */
#define OVER_F32 1.1
#define CLEARLY 1.3 /* off these: what another program may do to a race changes no choice */

/* By the CPU: the program would otherwise die of an illegal instruction. */
bool x86_matrix_offered(const ocl_device *d, x86_engine e)
{
    if (!d->cpu) return false;
#if defined __x86_64__
    bool dot = __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512bf16"); /* for AMX too: it rounds by it */
    if (e == X86_DOT) return dot;
    if (e == X86_AMX) return dot && cpu_tiles_allowed();
#endif
    return e == X86_PLAIN || e == X86_AMX_PLAIN;
}

typedef struct trial {
    ocl *o;
    plan *p; /* carries the configuration; has no steps */
    float *x, *w, *y;
    uint16_t *pairs;
    cl_mem x_mem, w_mem, y_mem;
    gemm_engine g;
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

/* A product on the trial's engine, whose weights w_mem holds. */
static int enqueue(void *user)
{
    trial *t = user;
    gemm_call c = {.y = t->y_mem, .x = t->x_mem, .w = t->w_mem, .m = M, .n = N, .k = K, .ldx = K, .ldy = N, .image = M};
    c.bias = c.row = c.residual = c.norm = c.x;
    return t->g.run(t->p, &t->g, "probe", &c);
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

static int open_engine(trial *t, ocl *o, x86_engine e)
{
    int err = 0;
    TRY(open_trial(t, o));
    if (e == X86_NONE) TRY(gemm_cpu_engine(t->p, &t->g, (ocl_shape){M, N, K}, F32, F32, F32));
    else TRY(gemm_matrix_engine(t->p, &t->g, (ocl_shape){M, N, K}, (int)e, F32, F32));
    if (e != X86_NONE) TRY(ocl_write(o, t->w_mem, 0, N * K * sizeof *t->pairs, t->pairs));
    else TRY(ocl_write(o, t->w_mem, 0, N * K * sizeof *t->w, t->w)); /* in the wrong order, which takes as long */
    TRY(ocl_kernel_wait(o, t->g.kernel));
out:
    return err;
}

static int try_engine(ocl *o, int e)
{
    int err = 0;
    trial t = {.o = o};
    TRY(open_engine(&t, o, (x86_engine)e));
    memset(t.y, 0, M * N * sizeof *t.y);
    TRY(ocl_write(o, t.y_mem, 0, M * N * sizeof *t.y, t.y)); /* else memory may hold an earlier trial's sums */
    TRY(enqueue(&t));
    TRY(ocl_read(o, t.y_mem, 0, M * N * sizeof *t.y, t.y));
    if (!right(&t)) err = FAIL(SDCL_ERESULT, "wrong sums");
out:
    close_trial(&t);
    return !err;
}

static const ocl_shape tried = {M, N, K};

static int sum_of_engine(ocl *o, int e, uint64_t *sum)
{
    (void)e;
    return section_sum(ocl_device_of(o), ocl_config_of(o), &gemm_matrix_cpu_kernel, BF16, tried, sum);
}

bool x86_matrix_works(ocl *o, x86_engine e)
{
    static const probe_question works = {PROBE_X86_WORKS, PROBE_PROVED, sum_of_engine, try_engine, NULL};
    return e != X86_NONE && x86_matrix_offered(ocl_device_of(o), e) && ocl_probe_kept(o, &works, (int)e);
}

static bool is_close(const probe_racer *a, const probe_racer *b, double limit)
{
    double ratio = b->seconds / a->seconds / limit;
    return ratio < CLEARLY && ratio > 1 / CLEARLY;
}

/* The last racer is f32. Does another race with more turns have a say in what is chosen? */
static bool undecided(const probe_racer *racers, int n)
{
    bool close = false;
    for (int i = 0; i + 1 < n; i++) close = close || is_close(&racers[i], &racers[n - 1], OVER_F32);
    return close || (n == 3 && is_close(&racers[1], &racers[0], OVER_DOT));
}

/* Notes, for every engine that works, its speed in thousandths of f32's, with the shipped values; 0 for the others, and for all where the trial fails. */
static void race(ocl *o)
{
    int err = 0, n = 0;
    config *values = NULL;
    ocl *own = NULL;
    trial t[X86_ENGINES + 1] = {0};
    probe_racer racers[X86_ENGINES + 1];
    for (int e = X86_PLAIN; e < X86_ENGINES; e++) *ocl_probed(o, PROBE_X86_SPEED, e) = 0;
    TRY(shipped_values(o, &values));
    TRY(ocl_open(&own, ocl_device_of(o), values, false));
    ocl_build_apart(own);
    for (int e = X86_DOT; e <= X86_NONE; e++) {
        if (e != X86_NONE && !x86_matrix_works(own, (x86_engine)e)) continue;
        t[n].o = own;
        racers[n] = (probe_racer){own, enqueue, &t[n], 0, 0};
        TRY(open_engine(&t[n++], own, (x86_engine)e));
    }
    for (int races = 0; races < RACES_MOST && (!races || undecided(racers, n)); races++) TRY(ocl_probe_race(racers, n));
    for (int e = X86_DOT, at = 0; e < X86_ENGINES; e++)
        if (x86_matrix_works(own, (x86_engine)e))
            *ocl_probed(o, PROBE_X86_SPEED, e) = (int)fmin(1e6, 1e3 * racers[n - 1].seconds / racers[at++].seconds);
out:
    for (int i = 0; i < n; i++) close_trial(&t[i]);
    ocl_close(&own);
    config_close(&values);
}

double x86_matrix_speed(ocl *o, x86_engine e)
{
    if (*ocl_probed(o, PROBE_X86_SPEED, (int)e) < 0) race(o);
    return *ocl_probed(o, PROBE_X86_SPEED, (int)e) * 1e-3;
}

/* The engine, counted from one, or 0: nothing could be timed. AMX has to win clearly over dot products, and either over f32, so that the choice is the same
 * every time where they are close. */
static int choose(ocl *o, int subject)
{
    double amx = x86_matrix_speed(o, X86_AMX), dot = x86_matrix_speed(o, X86_DOT);
    x86_engine best = amx > OVER_DOT * dot ? X86_AMX : X86_DOT;
    (void)subject;
    if (amx <= 0 && dot <= 0) return 0;
    return 1 + (int)(x86_matrix_speed(o, best) > OVER_F32 ? best : X86_NONE);
}

/* Family, model and stepping: a device's name may stand for several. */
static uint64_t processor(void)
{
    unsigned a = 0;
#if defined __x86_64__
    unsigned b, c, d;
    __get_cpuid(1, &a, &b, &c, &d);
#endif
    return a;
}

static int sum_of_choice(ocl *o, int subject, uint64_t *sum)
{
    int err = 0;
    config *values = NULL;
    const ocl_device *d = ocl_device_of(o);
    uint64_t sums[] = {
        0, 0, (uint64_t)ocl_units(o), processor(), x86_matrix_offered(d, X86_DOT), x86_matrix_offered(d, X86_AMX)};
    (void)subject;
    TRY(shipped_values(o, &values));
    TRY(section_sum(d, values, &gemm_matrix_cpu_kernel, BF16, tried, &sums[0]));
    TRY(section_sum(d, values, &gemm_cpu_kernel, F32, tried, &sums[1]));
    *sum = XXH3_64bits(sums, sizeof sums);
out:
    config_close(&values);
    return err;
}

static bool can_be_chosen(ocl *o, int subject, int answer)
{
    x86_engine e = (x86_engine)(answer - 1);
    (void)subject;
    return e == X86_NONE || ((e == X86_DOT || e == X86_AMX) && x86_matrix_works(o, e));
}

x86_engine x86_matrix_best(ocl *o)
{
    static const probe_question best = {PROBE_X86_CHOICE, PROBE_MEASURED, sum_of_choice, choose, can_be_chosen};
    const ocl_device *d = ocl_device_of(o);
    if (!x86_matrix_offered(d, X86_DOT) && !x86_matrix_offered(d, X86_AMX)) return X86_NONE;
    int chosen = ocl_probe_kept(o, &best, 0);
    return chosen ? (x86_engine)(chosen - 1) : X86_NONE;
}

static const x86_engine forced[] = {[1] = X86_DOT, [2] = X86_AMX, [3] = X86_PLAIN, [4] = X86_AMX_PLAIN};

x86_engine x86_matrix_engine(ocl *o, ocl_shape shape)
{
    int word = config_value(ocl_config_of(o), &gemm_section, precision_word(BF16), shape, "matrix");
    if (!word) return x86_matrix_best(o);
    return x86_matrix_works(o, forced[word]) ? forced[word] : X86_NONE;
}

static const ocl_section pack_pairs_section = {"pack_pairs", NULL, 0, 0, NULL};

int x86_matrix_weight(plan *p, weight *w, bool paired)
{
    int err = 0;
    ocl_kernel *pack;
    TRY(weight_set_layout(w, LAYOUT_PAIRS, 16, paired));
    TRY(op_kernel(p, &pack, &pack_pairs_section, NULL, PACK_PAIRS_OPTIONS, dtype_option_name(w->dt), PACK_BLOCK));
out:
    return err;
}

const char *x86_matrix_lacks_at(const plan *p, ocl_shape shape)
{
    if (plan_precision(p) != BF16) return "multiplies at --precision bf16 only";
    if (!ocl_device_of(plan_ocl(p))->cpu) return "needs a CPU";
    return x86_matrix_engine(plan_ocl(p), shape) == X86_NONE
               ? "needs instructions that this CPU lacks, or that are slower than f32"
               : NULL;
}

const char *x86_matrix_lacks(const plan *p) { return x86_matrix_lacks_at(p, OCL_ALL_SHAPES); }
