/* SPDX-License-Identifier: MIT */
/* A case: run, compared, timed; the cases of the tests and the steps of a plan. */
#include "check/internal.h"

#include "base/clock.h"
#include "ops/half_probe.h"
#include "ops/launch.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCTS_MAX 3e8
#define KEY_PRODUCTS_MAX 3e7 /* of a tuning run: hundreds of candidates a key */

enum { TIMINGS_MIN = 3, TIMINGS_MAX = 400 };

plan *check_plan(check *t) { return t->p; }
dtype check_dtype(const check *t) { return plan_activation(t->p); }
dtype check_dtype_in(const check *t) { return t->in_dt; }
dtype check_dtype_out(const check *t) { return t->out_dt; }

/* What rounding to the storage type may cost: a squared error relative to the result, and one per value where halves are subnormal. */
static double floor_of(dtype dt) { return dt == BF16 ? 5e-7 : dt == F16 ? 1e-7 : 1e-13; }
static double floor_per_value(dtype dt) { return dt == F16 ? 0x1p-50 : 0; }

/* Normalisation subtracts the mean: with values near 30 that deviate by 1, or not at all, the float error of the mean is what remains. */
double check_cancellation(const check *t) { return t->fill == FILL_OFFSET ? 100 : t->fill == FILL_CONSTANT ? 1e4 : 1; }

double check_sum(const check *t, double terms) { return t->dt == F32 ? 7e-3 * terms : 0; }

static int fail(check *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(check *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(t->result->why, sizeof t->result->why, format, ap);
    va_end(ap);
    t->result->ok = false;
    return 0;
}

/* Guards and gaps must be as uploaded; inputs entirely. */
static int compare(check *t, const operand *o, const unsigned char *after, double allowance)
{
    tensor y = o->t;
    uint64_t size = (uint64_t)dtype_size(y.dt), total = o->bytes / size;
    double error = 0, power = 0;
    for (uint64_t i = 0; i < total; i++) {
        int64_t at = (int64_t)i - o->guard, row = at < 0 ? -1 : at / y.ld;
        bool inside = at >= 0 && row < rows_of(y) && at % y.ld < y.c;
        if (o->want && inside) {
            double want = o->want[row * y.c + at % y.ld], got = check_load(after, y.dt, i);
            if (!isfinite(got))
                return fail(t, "not finite at row %lld, column %lld", (long long)row, (long long)(at % y.ld));
            if (isnan(want)) continue;
            error += (got - want) * (got - want);
            power += want * want;
        } else if (memcmp(o->before + i * size, after + i * size, size))
            return fail(t, "%s touched at element %lld", inside ? "an input was" : "a guard or gap was", (long long)at);
    }
    if (!o->want) return 0;
    /* The F32 output of an F16 case: its operands were rounded on the way. */
    dtype dt = t->dt == F16 || t->dt == BF16 ? t->dt : y.dt == U8 ? F32 : y.dt;
    double nmse = power > 0 ? error / power : error, values = (double)rows_of(y) * y.c;
    if (nmse > t->result->nmse) t->result->nmse = nmse;
    double limit = allowance * (floor_of(dt) * power + floor_per_value(dt) * values);
    if (error > limit) return fail(t, "NMSE %.2e, limit %.2e", nmse, power > 0 ? limit / power : limit);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static int measure(check *t, double bytes)
{
    int err = 0, n = 0;
    const check_timing *g = t->timing;
    double ms[TIMINGS_MAX];
    if (g->begin) TRY(g->begin(g->user));
    double begin = seconds_now();
    while (g->runs ? n < g->runs && n < TIMINGS_MAX
                   : n < TIMINGS_MIN || (seconds_now() - begin < g->seconds && n < TIMINGS_MAX)) {
        double start = seconds_now();
        err = plan_run(t->p);
        if (!err) err = ocl_finish(t->o);
        if (err) break;
        ms[n++] = (seconds_now() - start) * 1e3;
        if (g->give_up_ms > 0 && ms[0] > g->give_up_ms) break;
    }
    if (g->end) g->end(g->user);
    if (err) goto out;
    qsort(ms, (size_t)n, sizeof *ms, ascending);
    t->result->ms = ms[n / 2];
    t->result->min_ms = ms[0];
    t->result->runs = n;
    t->result->gflops = plan_flops(t->p) * 1e-9;
    t->result->gbytes = bytes * 1e-9;
out:
    return err;
}

/* How many products of a sum the step adds in half ([section] MATH) before they go to a float; 0: none. */
static int summed_in_half(const check *t, const step *s)
{
    int values[OCL_TUNABLES_MAX], halves = 0, chunk = s->shape.k;
    for (const ocl_section *const *u = s->uses; *u && s->t[1].dt == F16; u++) {
        bool math = false;
        if ((*u)->count > OCL_TUNABLES_MAX || !tune_fits(t->p, *u, F16, s->shape, values)) continue;
        for (int i = 0; i < (*u)->count; i++) {
            if (!strcmp((*u)->tunables[i].name, "MATH")) math = values[i];
            if (!strcmp((*u)->tunables[i].name, "KCHUNK")) chunk = values[i];
        }
        if (math) halves = chunk;
    }
    return halves && half_arithmetic_works(t->o) ? halves : 0;
}

/* Adding the n-th product to a sum in half leaves about n (2^-11)^2 / 3 of a product's power: that of n of them has n / 6 (2^-11)^2 of the sum's power. */
static int allow_half_sums(const check *t, double *allowance)
{
    for (int i = 0; i < plan_steps(t->p); i++) {
        int n = summed_in_half(t, plan_step(t->p, i));
        if (n && t->fill == FILL_TINY) return FAIL(SDCL_EUSAGE, "products of tiny values vanish in half");
        *allowance += n * 0.8;
    }
    return 0;
}

static int upload(check *t)
{
    int err = 0;
    for (int i = 0; i < t->count; i++) {
        operand *x = &t->operands[i];
        TRY(ocl_buffer_new(t->o, &x->mem, x->bytes));
        TRY(ocl_write(t->o, x->mem, 0, x->bytes, x->before));
        plan_bind(t->p, x->t, x->mem, (uint64_t)x->guard);
    }
out:
    return err;
}

static int compare_all(check *t, double allowance)
{
    int err = 0;
    unsigned char *after = NULL;
    t->result->ok = true;
    for (int i = 0; i < t->count && t->result->ok; i++) {
        operand *x = &t->operands[i];
        free(after);
        after = malloc(x->bytes);
        if (!after) abort();
        TRY(ocl_read(t->o, x->mem, 0, x->bytes, after));
        TRY(compare(t, x, after, allowance));
    }
out:
    free(after);
    return err;
}

int check_finish(check *t, double allowance, double bytes)
{
    int err = 0;
    if (plan_gave_way(t->p) && !t->lenient) TRY(FAIL(SDCL_EUSAGE, "%s", plan_gave_way(t->p)));
    TRY(plan_lower(t->p));
    TRY(allow_half_sums(t, &allowance));
    if (t->lowered) {
        for (int i = 0; i < plan_steps(t->p); i++) t->lowered(t->user, t->p, plan_step(t->p, i));
        t->result->ok = true;
        goto out;
    }
    TRY(plan_place(t->p));
    TRY(plan_allocate(t->p));
    TRY(weights_load(t->ws, NULL, NULL));
    TRY(ocl_build_wait(t->o));
    TRY(upload(t));
    TRY(plan_run(t->p));
    TRY(ocl_finish(t->o));
    TRY(compare_all(t, allowance));
    if (t->result->ok && t->timing) TRY(measure(t, bytes));
out:
    return err;
}

static void open_check(check *t, ocl *o, const char *name)
{
    int err = plan_new(&t->p, o, name);
    *t->result = (check_result){.impl = ""};
    t->o = o;
    if (!err) plan_set_precision(t->p, t->dt);
    if (!err) err = weights_new(&t->ws, o);
    if (err) snprintf(t->result->why, sizeof t->result->why, "%s", sdcl_last_error());
}

/* name: the op's. err: of the case's run function. */
static void close_check(check *t, const char *name, int err)
{
    int kernels = 0;
    for (int i = 0; t->p && i < plan_steps(t->p); i++) {
        const step *s = plan_step(t->p, i);
        if (!strcmp(s->op->name, name)) t->result->impl = s->impl->name;
        for (int k = 0; k < STEP_KERNELS_MAX && s->kernel[k] && kernels < CHECK_KERNELS_MAX; k++)
            t->result->kernel[kernels++] = s->kernel[k];
    }
    if (err) {
        t->result->ok = false;
        t->result->unfit = err == SDCL_EUSAGE;
        snprintf(t->result->why, sizeof t->result->why, "%s", sdcl_last_error());
    }
    plan_free(&t->p);
    weights_free(&t->ws);
    check_free_operands(t);
}

static uint64_t random_start(uint64_t seed, int index)
{
    return seed * 0x9E3779B97F4A7C15ull + (uint64_t)index * 31 + 1;
}

void check_run(ocl *o, const check_op *op, const check_case *c, uint64_t seed, bool bench, check_result *r)
{
    check_timing timing = {.seconds = 0.2};
    check t = {.dt = c->dt,
               .weights_dt = c->half_weights || c->dt == BF16 ? F16 : c->dt,
               .in_dt = precision_storage(c->dt),
               .out_dt = precision_storage(c->dt),
               .fill = c->fill,
               .guard = bench || (c->index + (int)c->fill) % 2 ? GUARD_ALIGNED : GUARD_ODD,
               .products = PRODUCTS_MAX,
               .random = random_start(seed, c->index),
               .timing = bench ? &timing : NULL,
               .result = r};
    open_check(&t, o, op->name);
    close_check(&t, op->name, t.ws ? op->run(&t, c->index) : 0);
}

bool check_key_of(const plan *p, const step *s, check_key *key)
{
    dtype dt = plan_activation(p);
    const check_key none = {.dt = plan_precision(p), .weights = dt, .in = dt, .out = dt};
    for (const check_keyed *const *o = check_keyed_ops; *o; o++) {
        *key = none;
        key->op = *o;
        if (!strcmp((*o)->op, s->op->name) && (*o)->of_step(s, key)) return true;
    }
    *key = none;
    return false;
}

bool check_key_same(const check_key *a, const check_key *b)
{
    return a->op == b->op && a->dt == b->dt && a->weights == b->weights && a->in == b->in && a->out == b->out &&
           !memcmp(a->v, b->v, sizeof a->v);
}

static check key_check(const check_key *key, uint64_t seed, check_result *r)
{
    return (check){.dt = key->dt,
                   .weights_dt = key->weights,
                   .in_dt = key->in,
                   .out_dt = key->out,
                   .guard = GUARD_ALIGNED, /* as tensors of a plan */
                   .products = KEY_PRODUCTS_MAX,
                   .lenient = key->lenient,
                   .random = random_start(seed, 0),
                   .result = r};
}

void check_run_key(ocl *o, const check_key *key, check_fill fill, uint64_t seed, const check_timing *timing,
                   check_result *r)
{
    check t = key_check(key, seed, r);
    t.fill = fill;
    t.timing = timing;
    open_check(&t, o, key->op->op);
    close_check(&t, key->op->op, t.ws ? key->op->run(&t, key->v) : 0);
}

void check_lower_key(ocl *o, const check_key *key, void (*each)(void *user, const plan *p, const step *s), void *user,
                     check_result *r)
{
    check t = key_check(key, 1, r);
    t.products = 1;
    t.lowered = each;
    t.user = user;
    open_check(&t, o, key->op->op);
    close_check(&t, key->op->op, t.ws ? key->op->run(&t, key->v) : 0);
}

const char *check_impls(const check_op *op)
{
    if (!op->section) return "";
    for (const ocl_section *const *s = ops_sections; *s; s++)
        if (!strcmp((*s)->name, op->section))
            for (int i = 0; i < (*s)->count; i++)
                if (!strcmp((*s)->tunables[i].name, "impl")) return (*s)->tunables[i].choices + strlen("auto ");
    return "";
}
