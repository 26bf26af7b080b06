/* SPDX-License-Identifier: MIT */
/* Loading weights: values of every element type in every layout, across staging buffers; failures leave nothing behind. */
#include "base/half.h"
#include "default_device.h"
#include "ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Value i of a tensor; exact in every type. */
static float value(uint64_t i) { return (float)((int)(i * 37 % 251) - 125) / 64; }

/* A file that ends after `left` bytes more. */
typedef struct source {
    weight_dtype dt;
    uint64_t left;
} source;

static int read_values(const void *file, const void *entry, uint64_t first_byte, uint64_t bytes, void *dst)
{
    (void)entry;
    source *s = (source *)(uintptr_t)file;
    uint64_t size = s->dt == WEIGHT_F64 ? 8 : s->dt == WEIGHT_F32 ? 4 : 2;
    if (s->left < bytes) return FAIL(SDCL_EMODEL, "has become shorter");
    s->left -= bytes;
    for (uint64_t i = 0; i < bytes / size; i++) {
        float v = value(first_byte / size + i);
        double wide = v;
        uint32_t bits;
        memcpy(&bits, &v, 4);
        uint16_t half = s->dt == WEIGHT_F16 ? float_to_half(v) : (uint16_t)(bits >> 16);
        const void *from = size == 8 ? (void *)&wide : size == 4 ? (void *)&v : (void *)&half;
        memcpy((char *)dst + i * size, from, size);
    }
    return 0;
}

static weight *add(weights *ws, source *s, int rows, int columns, int taps, weight_layout layout, int panel)
{
    weight *w = NULL;
    weight_part part = {.name = "w", .file = s, .read = read_values, .dt = s->dt, .rows = rows};
    assert_int_equal(weights_add(ws, &w, &part, 1, columns, taps), 0);
    assert_int_equal(weight_set_layout(w, layout, panel, false), 0);
    return w;
}

static float stored(const void *bytes, dtype dt, uint64_t i)
{
    uint16_t half;
    float v;
    if (dt == F32) return memcpy(&v, (const char *)bytes + 4 * i, 4), v;
    return memcpy(&half, (const char *)bytes + 2 * i, 2), half_to_float(half);
}

static void assert_holds(ocl *device, const weight *w)
{
    bool panels = w->layout == LAYOUT_PANELS;
    uint64_t n = (uint64_t)w->columns * (uint64_t)w->taps, width = panels ? (uint64_t)w->panel : 1;
    dtype dt = w->layout == LAYOUT_VECTOR ? F32 : w->dt;
    void *bytes = malloc(w->bytes);
    assert_non_null(bytes);
    assert_non_null(weight_mem(w));
    assert_int_equal(ocl_read(device, weight_mem(w), 0, w->bytes, bytes), 0);
    for (uint64_t r = 0; r < (uint64_t)w->rows; r++)
        for (uint64_t c = 0; c < (uint64_t)w->columns; c++)
            for (uint64_t t = 0; t < (uint64_t)w->taps; t++) {
                uint64_t from = r * n + c * (uint64_t)w->taps + t, at = from;
                if (panels) at = ((r / width * (uint64_t)w->taps + t) * (uint64_t)w->columns + c) * width + r % width;
                if (stored(bytes, dt, at) != value(from))
                    fail_msg("row %llu column %llu tap %llu is %g", (unsigned long long)r, (unsigned long long)c,
                             (unsigned long long)t, (double)stored(bytes, dt, at));
            }
    free(bytes);
}

static void every_type_in_every_layout(void **state)
{
    ocl *device = default_device_of(state);
    static const weight_dtype types[] = {WEIGHT_F64, WEIGHT_F32, WEIGHT_F16, WEIGHT_BF16};
    weights *ws = NULL;
    weight *w[16];
    source s[4];
    int count = 0;
    uint64_t before = ocl_bytes_now(device);
    assert_int_equal(weights_new(&ws, device), 0);
    for (int i = 0; i < 4; i++) {
        s[i] = (source){types[i], UINT64_MAX};
        w[count++] = add(ws, &s[i], 19, 70, 1, LAYOUT_PANELS, 16);
        w[count++] = add(ws, &s[i], 37, 3, 9, LAYOUT_PANELS, 8);
        w[count++] = add(ws, &s[i], 101, 1, 1, LAYOUT_VECTOR, 0);
    }
    assert_int_equal(weights_load(ws, NULL, NULL), 0);
    for (int i = 0; i < count; i++) assert_holds(device, w[i]);
    assert_int_equal(ocl_bytes_now(device) - before, weights_bytes(ws));
    weights_unload(ws);
    assert_int_equal(ocl_bytes_now(device), before);
    assert_int_equal(weights_load(ws, NULL, NULL), 0);
    assert_holds(device, w[0]);
    weights_free(&ws);
    assert_int_equal(ocl_bytes_now(device), before);
}

/* Larger than all staging buffers together. */
static void a_weight_of_many_pieces(void **state)
{
    ocl *device = default_device_of(state);
    weights *ws = NULL;
    source s = {WEIGHT_F16, UINT64_MAX}, converted = {WEIGHT_BF16, UINT64_MAX};
    assert_int_equal(weights_new(&ws, device), 0);
    weight *w = add(ws, &s, 9001, 2048, 1, LAYOUT_PANELS, 48);
    weight *v = add(ws, &converted, 4001, 1025, 1, LAYOUT_PANELS, 48);
    assert_int_equal(weights_load(ws, NULL, NULL), 0);
    assert_holds(device, w);
    assert_holds(device, v);
    weights_free(&ws);
}

static int stop_at(void *user, int done, int total)
{
    return done < total && done == *(int *)user ? FAIL(SDCL_EINTERRUPTED, "stop") : 0;
}

static void failures_leave_nothing(void **state)
{
    ocl *device = default_device_of(state);
    enum { COUNT = 3 };
    weights *ws = NULL;
    weight *w[COUNT];
    source s[COUNT];
    int last = 1;
    uint64_t before = ocl_bytes_now(device);
    assert_int_equal(weights_new(&ws, device), 0);
    for (int i = 0; i < COUNT; i++) {
        s[i] = (source){WEIGHT_F16, i == 1 ? 4000 : UINT64_MAX};
        w[i] = add(ws, &s[i], 64, 64, 1, LAYOUT_PANELS, 16);
    }
    assert_int_equal(weights_load(ws, NULL, NULL), SDCL_EMODEL);
    assert_string_equal(sdcl_last_error(), "has become shorter");
    for (int i = 0; i < COUNT; i++) assert_null(weight_mem(w[i]));
    assert_int_equal(ocl_bytes_now(device), before);
    s[1].left = UINT64_MAX;
    assert_int_equal(weights_load(ws, stop_at, &last), SDCL_EINTERRUPTED);
    for (int i = 0; i < COUNT; i++) assert_null(weight_mem(w[i]));
    assert_int_equal(weights_load(ws, NULL, NULL), 0);
    for (int i = 0; i < COUNT; i++) assert_holds(device, w[i]);
    weights_free(&ws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_in_every_layout),
        cmocka_unit_test(a_weight_of_many_pieces),
        cmocka_unit_test(failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, default_device_setup, default_device_teardown);
}
