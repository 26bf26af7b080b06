/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "ref/ref.h"

#include <stdio.h>
#include <stdlib.h>

/* --- timestep --- */

static void timestep_describe(int i, char *text, size_t size)
{
    snprintf(text, size, i ? "320, cosines first" : "12, sines first, shift 1");
}

static int timestep_run(check *t, int i)
{
    int err = 0, c = i ? 320 : 12;
    const double times[] = {981, 0, 499.5};
    tensor x = check_in(t, F32, 3, 1, 1, 1, 0), y = check_out(t, F32, 3, 1, 1, c, 0);
    TRY(check_set(t, x, times));
    ref_timestep(check_want(t, y), check_values(t, x), 3, c, i, i ? 0 : 1);
    TRY(op_timestep(check_plan(t), y, x, i, i ? 0 : 1));
    TRY(check_finish(t, 1e5, 0)); /* the argument of cos is a float of up to 1000: its last bit is 3e-5 */
out:
    return err;
}

const check_op check_timestep = {"timestep", NULL, 2, 0, timestep_run, timestep_describe};

/* --- scale_repeat and copy --- */

typedef struct repeat_shape {
    int h, w, c, copies, gap;
    bool stored; /* x as stored; else float */
} repeat_shape;

static const repeat_shape repeat_shapes[] = {
    {3, 5, 4, 2, 0, false}, {3, 5, 4, 1, 1, false},    {3, 5, 4, 1, 2, true},
    {3, 7, 37, 2, 3, true}, {64, 64, 320, 1, 0, true}, {256, 256, 128, 1, 0, true},
};
enum { REPEAT_TESTS = 4, REPEAT_ALL = sizeof repeat_shapes / sizeof *repeat_shapes };

static void repeat_describe(int i, char *text, size_t size)
{
    repeat_shape s = repeat_shapes[i];
    snprintf(text, size, "2x%dx%dx%d%s%s%s", s.h, s.w, s.c, s.copies > 1 ? " twice, scaled" : "",
             s.gap ? " strided" : "", s.stored ? "" : " from f32");
}

static int repeat_run(check *t, int i)
{
    int err = 0;
    repeat_shape c = repeat_shapes[i];
    int64_t values = 2 * (int64_t)c.h * c.w * c.c;
    tensor x = check_in(t, c.stored ? check_dtype(t) : F32, 2, c.h, c.w, c.c, c.gap),
           y = check_out(t, check_dtype(t), 2 * c.copies, c.h, c.w, c.c, 2 * c.gap),
           s = check_in(t, F32, 1, 1, 1, 1, 0);
    double *want = check_want(t, y), scale = c.copies > 1 ? check_values(t, s)[0] : 1;
    for (int64_t k = 0; k < c.copies * values; k++) want[k] = scale * check_values(t, x)[k % values];
    if (c.copies > 1) TRY(op_scale_repeat(check_plan(t), y, x, s));
    else TRY(op_copy(check_plan(t), y, x));
    TRY(check_finish(t, 10, (double)values * (c.copies * dtype_size(y.dt) + dtype_size(x.dt))));
out:
    return err;
}

const check_op check_scale_repeat = {"scale_repeat", NULL,           REPEAT_TESTS, REPEAT_ALL - REPEAT_TESTS,
                                     repeat_run,     repeat_describe};

/* --- image --- */

static void image_describe(int i, char *text, size_t size)
{
    static const char *const cases[] = {"40x24", "9x7 with unit", "512x512"};
    snprintf(text, size, "%s", cases[i]);
}

static int image_run(check *t, int i)
{
    int err = 0, h = i == 2 ? 512 : i ? 9 : 24, w = i == 2 ? 512 : i ? 7 : 40;
    tensor x = check_in(t, check_dtype(t), 1, h, w, 3, 0), rgb = check_out(t, U8, 1, h, w, 3, 0), unit = NO_TENSOR;
    double *values = malloc((size_t)(h * w * 3) * sizeof *values);
    if (!values) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int k = 0; k < h * w * 3; k++)
        values[k] = (k % 91 - 45) / 32.0; /* beyond both ends; halves of 1/255 do not occur in binary */
    TRY(check_set(t, x, values));
    if (i == 1) unit = check_out(t, F32, 1, h, w, 3, 0);
    ref_image(check_want(t, rgb), i == 1 ? check_want(t, unit) : values, check_values(t, x), h * w * 3);
    TRY(op_image(check_plan(t), rgb, unit, x));
    TRY(check_finish(t, 10, h * w * 3.0 * (1 + dtype_size(x.dt))));
out:
    free(values);
    return err;
}

const check_op check_image = {"image", NULL, 2, 1, image_run, image_describe};

/* --- scheduler --- */

static void scheduler_describe(int i, char *text, size_t size)
{
    static const char *const texts[] = {"guided, one row", "unguided, three rows, clamp", "rows alone"};
    snprintf(text, size, "%s", texts[i]);
}

static int scheduler_run(check *t, int i)
{
    int err = 0, len = 4 * 9 * 7, guided = i == 0, rows = i == 0 ? 1 : 3;
    double values[SCHEDULER_PROGRAM] = {7.5, rows, i < 2};
    for (int r = 0; r < rows; r++) {
        double *row = values + 3 + r * (2 + SCHEDULER_SLOTS);
        row[0] = r == 2 ? 0 : 2 + r;
        row[1] = r == 1 ? 0.5 : 0;
        for (int s = 0; s <= 2 + r; s++) row[2 + s] = 0.3 * (s + 1) - 0.7 * r;
    }
    tensor slots = check_inout(t, F32, SCHEDULER_SLOTS, 1, 1, len, 0),
           pred = check_in(t, F32, guided ? 2 : 1, 1, 1, len, 0);
    tensor program = check_in(t, F32, 1, 1, 1, SCHEDULER_PROGRAM, 0);
    TRY(check_set(t, program, values));
    ref_scheduler(check_want(t, slots), check_values(t, pred), check_values(t, program), len, guided);
    TRY(op_scheduler(check_plan(t), slots, pred, program));
    TRY(check_finish(t, 10, 0));
out:
    return err;
}

const check_op check_scheduler = {"scheduler", NULL, 3, 0, scheduler_run, scheduler_describe};
