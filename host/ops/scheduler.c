/* SPDX-License-Identifier: MIT */
/* The arithmetic of a sampler step: cl/scheduler.cl. */
#include "ops/launch.h"

#define SCHEDULER_TUNE(P) P(WG, 64, "16 32 64 128 256", "values of the latent per work-group")
OCL_KERNEL(scheduler, SCHEDULER_TUNE)

static int prepare(plan *p, step *s)
{
    int err = 0;
    struct scheduler_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &scheduler_kernel, F32, s->shape, t));
    TRY(op_kernel(p, &s->kernel[0], &scheduler_kernel, t, "-DXT=F32"));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    const struct scheduler_tune *t = s->state;
    tensor slots = s->t[0], pred = s->t[1];
    int len = slots.c, guided = rows_of(pred) * pred.c == 2 * len;
    args a = {0};
    arg_tensor(&a, p, slots, slots);
    arg_tensor(&a, p, pred, pred);
    arg_tensor(&a, p, s->t[2], slots);
    arg_int(&a, len);
    arg_int(&a, guided);
    return args_run(&a, p, s->kernel[0], s->module, ceil_div(len, t->WG), 1, 1, (size_t)t->WG, 1);
}

static const impl scheduler_impl = {.name = "values", .prepare = prepare, .launch = launch};
static const impl *const scheduler_impls[] = {&scheduler_impl, NULL};
static const op scheduler_op = {"scheduler", NULL, scheduler_impls, NULL};

int op_scheduler(plan *p, tensor slots, tensor pred, tensor program)
{
    step s = {.op = &scheduler_op, .operands = 3, .t = {slots, pred, program}, .role = {ROLE_INOUT}};
    int len = slots.c, values = rows_of(pred) * pred.c;
    if (slots.dt != F32 || slots.n != SCHEDULER_SLOTS || slots.h * slots.w != 1 || slots.ld != len || pred.dt != F32 ||
        pred.ld != pred.c || (values != len && values != 2 * len) || program.dt != F32 ||
        program.c != SCHEDULER_PROGRAM)
        return FAIL(SDCL_EINTERNAL, "%s: scheduler: shapes differ", plan_scope(p));
    return plan_add(p, &s, NULL, 0);
}
