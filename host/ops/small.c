/* SPDX-License-Identifier: MIT */
/* Ops with little or nothing to tune: time embedding, copies, pictures. */
#include "ops/launch.h"

static const ocl_section timestep_section = {"timestep", NULL, 0, 0, NULL}, image_section = {"image", NULL, 0, 0, NULL};

/* --- timestep embedding --- */

typedef struct timestep_params {
    int cos_first;
    float shift;
} timestep_params;

static int timestep_prepare(plan *p, step *s)
{
    return op_kernel(p, &s->kernel[0], &timestep_section, NULL, "-DYT=F32");
}

static int timestep_launch(plan *p, const step *s)
{
    const timestep_params *v = s->params;
    tensor y = s->t[0];
    args a = {0};
    arg_tensor(&a, p, y, y);
    arg_tensor(&a, p, s->t[1], y);
    arg_int(&a, y.c);
    arg_int(&a, v->cos_first);
    arg_float(&a, v->shift);
    return args_run(&a, p, s->kernel[0], s->module, (size_t)y.c / 2, (size_t)y.n, 1, 1, 1);
}

static const impl timestep_impl = {.name = "items", .prepare = timestep_prepare, .launch = timestep_launch};
static const impl *const timestep_impls[] = {&timestep_impl, NULL};
static const op timestep_op = {"timestep", NULL, timestep_impls, NULL};

int op_timestep(plan *p, tensor y, tensor t, bool cos_first, float shift)
{
    timestep_params v = {cos_first, shift};
    step s = {.op = &timestep_op, .operands = 2, .t = {y, t}, .role = {ROLE_OUT}};
    if (y.dt != F32 || y.ld != y.c || y.c % 2 || t.n != y.n)
        return FAIL(SDCL_EMODEL, "%s: timestep embedding of %d values", plan_scope(p), y.c);
    return plan_add(p, &s, &v, sizeof v);
}

/* --- copy, scale, repeat --- */

#define SCALE_REPEAT_TUNE(P) P(ROWS, 1, "1 4 8 16 32", "rows of a work-item")
OCL_KERNEL(scale_repeat, SCALE_REPEAT_TUNE)

static int scale_prepare(plan *p, step *s)
{
    int err = 0;
    struct scale_repeat_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &scale_repeat_kernel, plan_activation(p), s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &scale_repeat_kernel, t, "-DXT=%s -DYT=%s", dtype_option_name(s->t[1].dt),
                  dtype_option_name(s->t[0].dt)));
out:
    return err;
}

static int scale_launch(plan *p, const step *s)
{
    const struct scale_repeat_tune *t = s->state;
    tensor y = s->t[0], x = s->t[1];
    args a = {0};
    arg_tensor(&a, p, y, y);
    arg_tensor(&a, p, x, x);
    arg_tensor(&a, p, s->t[2], x);
    arg_int(&a, has(s->t[2]));
    arg_int(&a, rows_of(y));
    arg_int(&a, rows_of(x));
    arg_int(&a, x.c);
    arg_int(&a, x.ld);
    arg_int(&a, y.ld);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(rows_of(y), t->ROWS), 1, 1, 1, 1);
}

static const impl scale_impl = {.name = "rows", .prepare = scale_prepare, .launch = scale_launch};
static const impl *const scale_impls[] = {&scale_impl, NULL};
static const op scale_op = {"scale_repeat", NULL, scale_impls, NULL};

int op_scale_repeat(plan *p, tensor y, tensor x, tensor scale)
{
    step s = {.op = &scale_op, .operands = 3, .t = {y, x, scale}, .role = {ROLE_OUT}};
    if (y.h != x.h || y.w != x.w || y.c != x.c || y.n % x.n)
        return FAIL(SDCL_EINTERNAL, "%s: scale_repeat: shapes differ", plan_scope(p));
    return plan_add(p, &s, NULL, 0);
}

int op_copy(plan *p, tensor y, tensor x)
{
    if (!same_shape(y, x)) return FAIL(SDCL_EINTERNAL, "%s: copy: shapes differ", plan_scope(p));
    return op_scale_repeat(p, y, x, NO_TENSOR);
}

/* --- picture --- */

static int image_prepare(plan *p, step *s)
{
    return op_kernel(p, &s->kernel[0], &image_section, NULL, "-DXT=%s", dtype_option_name(s->t[2].dt));
}

static int image_launch(plan *p, const step *s)
{
    tensor rgb = s->t[0], unit = s->t[1], x = s->t[2];
    size_t count = (size_t)rows_of(x) * (size_t)x.c;
    args a = {0};
    arg_tensor(&a, p, rgb, x);
    arg_tensor(&a, p, unit, x);
    arg_tensor(&a, p, x, x);
    arg_int(&a, has(unit));
    arg_ulong(&a, count);
    return args_run(&a, p, s->kernel[0], s->module, (count + 1023) / 1024, 1, 1, 64, 1);
}

static const impl image_impl = {.name = "values", .prepare = image_prepare, .launch = image_launch};
static const impl *const image_impls[] = {&image_impl, NULL};
static const op image_op = {"image", NULL, image_impls, NULL};

int op_image(plan *p, tensor rgb, tensor unit, tensor x)
{
    step s = {.op = &image_op, .operands = 3, .t = {rgb, unit, x}, .role = {ROLE_OUT, ROLE_OUT}};
    if (rgb.dt != U8 || !same_shape(rgb, x) || x.ld != x.c || (has(unit) && (unit.dt != F32 || !same_shape(unit, x))))
        return FAIL(SDCL_EINTERNAL, "%s: image: shapes differ", plan_scope(p));
    return plan_add(p, &s, NULL, 0);
}
