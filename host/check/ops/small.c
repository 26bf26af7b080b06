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

static void repeat_describe(int i, char *text, size_t size)
{
    static const char *const cases[] = {"two copies, scaled", "copy of a slice", "copy of what is stored"};
    snprintf(text, size, "%s", cases[i]);
}

static int repeat_run(check *t, int i)
{
    int err = 0, copies = i ? 1 : 2;
    tensor x = check_in(t, i == 2 ? check_dtype(t) : F32, 2, 3, 5, 4, i),
           y = check_out(t, check_dtype(t), 2 * copies, 3, 5, 4, 2 * i), s = check_in(t, F32, 1, 1, 1, 1, 0);
    double *want = check_want(t, y), scale = i ? 1 : check_values(t, s)[0];
    for (int k = 0; k < copies * 120; k++) want[k] = scale * check_values(t, x)[k % 120];
    if (i) TRY(op_copy(check_plan(t), y, x));
    else TRY(op_scale_repeat(check_plan(t), y, x, s));
    TRY(check_finish(t, 10, 0));
out:
    return err;
}

const check_op check_scale_repeat = {"scale_repeat", NULL, 3, 0, repeat_run, repeat_describe};

/* --- image --- */

static void image_describe(int i, char *text, size_t size) { snprintf(text, size, i ? "9x7 with unit" : "40x24"); }

static int image_run(check *t, int i)
{
    int err = 0, h = i ? 9 : 24, w = i ? 7 : 40;
    tensor x = check_in(t, check_dtype(t), 1, h, w, 3, 0), rgb = check_out(t, U8, 1, h, w, 3, 0), unit = NO_TENSOR;
    double *values = malloc((size_t)(h * w * 3) * sizeof *values);
    if (!values) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int k = 0; k < h * w * 3; k++)
        values[k] = (k % 91 - 45) / 32.0; /* beyond both ends; halves of 1/255 do not occur in binary */
    TRY(check_set(t, x, values));
    if (i) unit = check_out(t, F32, 1, h, w, 3, 0);
    ref_image(check_want(t, rgb), i ? check_want(t, unit) : values, check_values(t, x), h * w * 3);
    TRY(op_image(check_plan(t), rgb, unit, x));
    TRY(check_finish(t, 10, 0));
out:
    free(values);
    return err;
}

const check_op check_image = {"image", NULL, 2, 0, image_run, image_describe};

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
