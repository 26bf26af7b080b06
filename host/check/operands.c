/* SPDX-License-Identifier: MIT */
/* Operands and weights of a case: filled, remembered in double, between guards. */
#include "check/internal.h"

#include "base/half.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

double check_load(const void *from, dtype dt, uint64_t i)
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
    if (check_wants(t)) memcpy(o->want, o->values, (size_t)rows_of(y) * (size_t)c * sizeof *o->want);
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

void check_free_operands(check *t)
{
    for (int i = 0; i < t->count; i++) {
        ocl_buffer_free(t->o, &t->operands[i].mem);
        free(t->operands[i].before);
        free(t->operands[i].values);
        free(t->operands[i].want);
    }
    for (int i = 0; i < t->stored_count; i++) {
        free(t->stored[i].raw);
        free(t->stored[i].values);
    }
}
