/* SPDX-License-Identifier: MIT */
/* 3x3 convolution on CPU devices: cl/conv3x3_cpu.cl. */
#include "ops/matmul.h"

#define CONV3X3_CPU_TUNE(P)                                                                                            \
    P(MR, 8, "4 6 8 12", "output pixels of a register tile")                                                           \
    P(NV, 3, "1 2 3 4", "most vectors of 16 output channels of a register tile")                                       \
    P(RB, 96, "24 48 96 192", "output pixels of a cache block")                                                        \
    P(PB, 4, "1 2 4 8", "panels of 16 NV output channels of a cache block")                                            \
    P(KC, 128, "64 128 256 512", "input channels summed before the next panel")
OCL_KERNEL(conv3x3_cpu, CONV3X3_CPU_TUNE)

static bool runs_on(const ocl_device *d) { return d->cpu; }

static int prepare(plan *p, step *s)
{
    int err = 0;
    cl_mem zeros;
    struct conv3x3_cpu_tune *t = plan_step_alloc(p, sizeof *t);
    if (!t) return FAIL(SDCL_ENOMEM, "out of memory");
    s->state = t;
    TRY(tune_values(p, &conv3x3_cpu_kernel, plan_activation(p), s->shape, t));
    t->NV = cpu_panel(s->w[0], t->NV) / 16;
    TRY(ocl_zeros(plan_ocl(p), (uint64_t)s->t[MM_X].c * 4, &zeros));
    TRY(op_kernel(p, &s->kernel[0], &conv3x3_cpu_kernel, t, "-DXT=%s -DWT=%s -DYT=%s", dtype_option_name(s->t[MM_X].dt),
                  dtype_option_name(s->w[0]->dt), dtype_option_name(s->t[MM_Y].dt)));
    TRY(weight_set_layout(s->w[0], LAYOUT_PANELS, 16 * t->NV, false));
out:
    return err;
}

static int launch(plan *p, const step *s)
{
    int err = 0, rb, pb;
    const struct conv3x3_cpu_tune *t = s->state;
    tensor y = s->t[MM_Y];
    int m = rows_of(y), panels = (int)ceil_div(y.c, s->w[0]->panel);
    cl_mem zeros;
    args a = {.packed = true};
    TRY(ocl_zeros(plan_ocl(p), (uint64_t)s->t[MM_X].c * 4, &zeros));
    cpu_blocks(p, m, panels, t->MR, t->RB, t->PB, &rb, &pb);
    conv_tensor_args(&a, p, s);
    arg_buffer(&a, zeros);
    conv_shape_args(&a, s);
    arg_int(&a, rb);
    arg_int(&a, pb);
    TRY(args_run(&a, p, s->kernel[0], s->module, ceil_div(panels, pb), ceil_div(m, rb), 1, 1, 1));
out:
    return err;
}

const impl conv3x3_cpu_impl = {.name = "cpu", .runs_on = runs_on, .prepare = prepare, .launch = launch};
