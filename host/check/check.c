/* SPDX-License-Identifier: MIT */
#include "check/check.h"

#include "base/clock.h"
#include "base/half.h"
#include "ops/half_probe.h"
#include "ops/launch.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCTS_MAX 3e8
#define KEY_PRODUCTS_MAX 3e7 /* of a tuning run: hundreds of candidates a key */

/* Elements around an operand: an odd offset, or one that wide loads are aligned at. */
enum { OPERANDS_MAX = 16, GUARD_ODD = 67, GUARD_ALIGNED = 64, TIMINGS_MIN = 3, TIMINGS_MAX = 400 };

typedef struct operand {
    tensor t;
    cl_mem mem;
    unsigned char *before; /* what was uploaded, guards included */
    double *values;        /* dense: as uploaded (inputs) */
    double *want;          /* dense: expected (outputs); NULL for inputs */
    uint64_t bytes;
    int guard; /* elements before and after it */
} operand;

typedef struct stored_weight {
    weight *w;
    void *raw;
    double *values;
} stored_weight;

struct check {
    ocl *o;
    plan *p;
    weights *ws;
    dtype dt, weights_dt, in_dt, out_dt;
    check_fill fill;
    int guard;       /* elements around an operand */
    double products; /* that a reference may take */
    bool lenient;    /* of check_key */
    uint64_t random;
    operand operands[OPERANDS_MAX];
    int count;
    stored_weight stored[4];
    int stored_count;
    const check_timing *timing;                                /* NULL: none */
    void (*lowered)(void *user, const plan *p, const step *s); /* instead of running; NULL: run */
    void *user;
    check_result *result;
};

plan *check_plan(check *t) { return t->p; }
dtype check_dtype(const check *t) { return plan_activation(t->p); }
dtype check_dtype_in(const check *t) { return t->in_dt; }
dtype check_dtype_out(const check *t) { return t->out_dt; }

/* xorshift64*: uniform in [-1, 1). */
static double uniform(check *t)
{
    t->random ^= t->random >> 12;
    t->random ^= t->random << 25;
    t->random ^= t->random >> 27;
    return (double)(int64_t)(t->random * 0x2545F4914F6CDD1Dull) * 0x1p-63;
}

static double fill(check *t)
{
    double u = uniform(t);
    switch (t->fill) {
    case FILL_TINY: return 1e-4 * u;
    case FILL_OFFSET: return 30 + u;
    case FILL_CONSTANT: return 0.625;
    default: return u;
    }
}

/* Stores v as element i; returns what it has become. */
static double store(void *to, dtype dt, uint64_t i, double v)
{
    switch (dt) {
    case F16: ((uint16_t *)to)[i] = float_to_half((float)v); return half_to_float(((uint16_t *)to)[i]);
    case U8: ((uint8_t *)to)[i] = (uint8_t)v; return (uint8_t)v;
    default: ((float *)to)[i] = (float)v; return (float)v;
    }
}

static double load(const void *from, dtype dt, uint64_t i)
{
    switch (dt) {
    case F16: return half_to_float(((const uint16_t *)from)[i]);
    case U8: return ((const uint8_t *)from)[i];
    default: return ((const float *)from)[i];
    }
}

static operand *find(check *t, tensor x)
{
    for (int i = 0; i < t->count; i++)
        if (t->operands[i].t.buf == x.buf) return &t->operands[i];
    abort(); /* the case asks for an operand that it did not make */
}

/* Poison: NaN as float and as half. */
static tensor new_operand(check *t, dtype dt, int n, int h, int w, int c, int gap)
{
    operand *x = &t->operands[t->count];
    uint64_t elements = (uint64_t)n * (uint64_t)h * (uint64_t)w * (uint64_t)(c + gap);
    if (t->count == OPERANDS_MAX) abort();
    t->count++;
    x->t = plan_external(t->p, dt, n, h, w, c);
    x->t.ld = c + gap;
    x->guard = t->guard;
    x->bytes = (elements + 2 * (uint64_t)x->guard) * (uint64_t)dtype_size(dt);
    x->before = malloc(x->bytes);
    x->values = calloc((size_t)n * (size_t)h * (size_t)w * (size_t)c + 1, sizeof(double));
    if (!x->before || !x->values) abort();
    if (!t->lowered) memset(x->before, 0x7f, x->bytes);
    return x->t;
}

static uint64_t element(const operand *o, int64_t row, int c)
{
    return (uint64_t)o->guard + (uint64_t)row * (uint64_t)o->t.ld + (uint64_t)c;
}

int check_set(check *t, tensor x, const double *values)
{
    operand *o = find(t, x);
    for (int64_t r = 0; r < rows_of(x); r++)
        for (int k = 0; k < x.c; k++)
            o->values[r * x.c + k] = store(o->before, x.dt, element(o, r, k), values[r * x.c + k]);
    return 0;
}

tensor check_in(check *t, dtype dt, int n, int h, int w, int c, int gap)
{
    tensor x = new_operand(t, dt, n, h, w, c, gap);
    operand *o = find(t, x);
    for (int64_t r = 0; r < rows_of(x) && !t->lowered; r++)
        for (int k = 0; k < c; k++) o->values[r * c + k] = store(o->before, dt, element(o, r, k), fill(t));
    return x;
}

const double *check_values(check *t, tensor x) { return find(t, x)->values; }

tensor check_out(check *t, dtype dt, int n, int h, int w, int c, int gap)
{
    tensor y = new_operand(t, dt, n, h, w, c, gap);
    operand *o = find(t, y);
    size_t count = (size_t)rows_of(y) * (size_t)c;
    o->want = malloc((count + 1) * sizeof *o->want);
    if (!o->want) abort();
    for (size_t i = 0; i < count && !t->lowered; i++) o->want[i] = NAN;
    return y;
}

tensor check_inout(check *t, dtype dt, int n, int h, int w, int c, int gap)
{
    tensor y = check_in(t, dt, n, h, w, c, gap);
    operand *o = find(t, y);
    o->want = calloc((size_t)rows_of(y) * (size_t)c + 1, sizeof *o->want);
    if (!o->want) abort();
    memcpy(o->want, o->values, (size_t)rows_of(y) * (size_t)c * sizeof *o->want);
    return y;
}

int check_step(const check *t, double products)
{
    double step = fmin(products / t->products, 1 << 29); /* a step beyond the last row is the same as any other */
    return step < 1 ? 1 : (int)step | 1;                 /* odd: meets every column of a picture */
}

bool check_wants(const check *t) { return !t->lowered; }

double *check_want(check *t, tensor y) { return find(t, y)->want; }

static int read_raw(const void *file, const void *entry, uint64_t first, uint64_t bytes, void *dst)
{
    (void)file;
    memcpy(dst, (const char *)entry + first, bytes);
    return 0;
}

weight *check_weight(check *t, int rows, int columns, int taps)
{
    stored_weight *s = &t->stored[t->stored_count++];
    uint64_t n = (uint64_t)rows * (uint64_t)columns * (uint64_t)taps;
    s->raw = malloc(n * 4);
    s->values = calloc(n, sizeof *s->values);
    if (!s->raw || !s->values) abort();
    double scale = 1 / sqrt((double)columns * taps);
    for (uint64_t i = 0; i < n && !t->lowered; i++) s->values[i] = store(s->raw, t->weights_dt, i, uniform(t) * scale);
    weight_part part = {.name = "weight",
                        .entry = s->raw,
                        .read = read_raw,
                        .dt = t->weights_dt == F16 ? WEIGHT_F16 : WEIGHT_F32,
                        .rows = rows};
    if (weights_add(t->ws, &s->w, &part, 1, columns, taps)) abort();
    return s->w;
}

const double *check_weight_values(check *t, const weight *w)
{
    for (int i = 0; i < t->stored_count; i++)
        if (t->stored[i].w == w) return t->stored[i].values;
    abort();
}

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
            double want = o->want[row * y.c + at % y.ld], got = load(after, y.dt, i);
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

int check_finish(check *t, double allowance, double bytes)
{
    int err = 0;
    unsigned char *after = NULL;
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
    for (int i = 0; i < t->count; i++) {
        operand *x = &t->operands[i];
        TRY(ocl_buffer_new(t->o, &x->mem, x->bytes));
        TRY(ocl_write(t->o, x->mem, 0, x->bytes, x->before));
        plan_bind(t->p, x->t, x->mem, (uint64_t)x->guard);
    }
    TRY(plan_run(t->p));
    TRY(ocl_finish(t->o));
    t->result->ok = true;
    for (int i = 0; i < t->count && t->result->ok; i++) {
        operand *x = &t->operands[i];
        free(after);
        after = malloc(x->bytes);
        if (!after) abort();
        TRY(ocl_read(t->o, x->mem, 0, x->bytes, after));
        TRY(compare(t, x, after, allowance));
    }
    if (t->result->ok && t->timing) TRY(measure(t, bytes));
out:
    free(after);
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
    for (int i = 0; i < t->count; i++) {
        ocl_buffer_free(t->o, &t->operands[i].mem);
        free(t->operands[i].before);
        free(t->operands[i].values);
        free(t->operands[i].want);
    }
    plan_free(&t->p);
    weights_free(&t->ws);
    for (int i = 0; i < t->stored_count; i++) {
        free(t->stored[i].raw);
        free(t->stored[i].values);
    }
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
