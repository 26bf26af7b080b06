/* SPDX-License-Identifier: MIT */
/* What GEMM and the 3x3 convolution share: operands, checks, and the flags of the epilogue. */
#ifndef SDCL_OPS_MATMUL_H
#define SDCL_OPS_MATMUL_H

#include "ops/launch.h"

/* Operands of both ops in a step. */
enum { MM_Y, MM_X, MM_BIAS, MM_ROW, MM_RESIDUAL, MM_NORM, MM_OPERANDS };

/* cl/common.h has the same numbers. FLAG_NORM_SILU: of the input, where the step has MM_NORM. */
enum {
    FLAG_BIAS = 1,
    FLAG_ROW = 2,
    FLAG_RESIDUAL = 4,
    FLAG_GEGLU = 8,
    FLAG_ACT_SHIFT = 4,
    FLAG_NORM_SILU = 64,
    FLAG_ROWS_FIRST = 128, /* of a launch on a CPU: work-items that share columns are neighbours */
};

/* The flags of f after the shapes of its tensors have been checked against y (columns: of the weight). */
int matmul_flags(const plan *p, const char *op, tensor y, int columns, const fuse *f, int *flags);
/* Fills in op, operands, weight and scalars (params, of the caller until the step is added). Where f asks for a normalised x:
 * MM_NORM for an implementation that fuses it, else x is replaced by its normalised self. */
int matmul_step(plan *p, step *s, const op *o, tensor y, tensor x, weight *w, void *params, const fuse *f);

/* One matrix product outside a step's own operands: y (m, n) = epilogue(x (m, k) * panels). Offsets in elements. */
typedef struct gemm_call {
    cl_mem y, x, w, bias, row, residual, norm; /* absent ones: x */
    cl_ulong y_off, x_off, w_off, bias_off, row_off, residual_off, norm_off;
    int m, n, k, ldx, ldy, ldr, ldrow, image, flags;
} gemm_call;

/* The call that a gemm step stands for. */
void gemm_call_of(const plan *p, const step *s, gemm_call *c);

/* The GEMM that suits the device, for ops that are built from products (sliced attention): same kernels as the gemm op. */
typedef struct gemm_engine {
    int (*run)(const plan *p, const struct gemm_engine *g, const char *module, const gemm_call *c);
    int flags; /* of the calls to come; set before the engine is made, 0: nothing fused */
    int norm;  /* the same: 0: x as it is, 1: x * norm[0] + norm[1], 2: and its SiLU */
    int panel; /* NR of the weight panels it reads */
    int tune[16];
    ocl_kernel *kernel;
} gemm_engine;

/* shape: of the products that the engine will compute. */
int gemm_cpu_engine(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt);
/* x and w f16; engine: a gpu_engine (ops/gpu_matrix.h) that the device runs. */
int gemm_matrix_gpu_engine(plan *p, gemm_engine *g, ocl_shape shape, int engine, dtype yt);
int gemm_gpu_engine(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt);

/* engine: an x86_engine. Weights are bf16 pairs; xt, yt: F32, F16. */
int gemm_matrix_engine(plan *p, gemm_engine *g, ocl_shape shape, int engine, dtype xt, dtype yt);

/* The arguments that both GEMM kernels begin with. */
void gemm_args(args *a, const gemm_call *c);
/* Launches a CPU's kernel: a work-item per rb rows and pb of `panels` panels, neighbours in the direction that reads the larger operand once. */
int gemm_run_blocks(args *a, const plan *p, const gemm_engine *g, const char *module, const gemm_call *c, int panels,
                    int rb, int pb);
/* prepare and launch of a gemm step on an engine. */
int gemm_step_prepare(plan *p, step *s,
                      int (*engine)(plan *p, gemm_engine *g, ocl_shape shape, dtype xt, dtype wt, dtype yt));
int gemm_step_launch(plan *p, const step *s);

/* The arguments that both convolution kernels share: operands and weight; then sizes, strides and flags. */
void conv_tensor_args(args *a, const plan *p, const step *s);
void conv_shape_args(args *a, const step *s);
/* Row strides of y, residual and row, then the flags: with what the arguments of every convolution end. */
void conv_output_args(args *a, const step *s);

extern const ocl_section gemm_section, conv3x3_section, gemm_matrix_cpu_kernel, gemm_cpu_kernel, gemm_gpu_kernel,
    gemm_matrix_gpu_kernel;
extern const impl gemm_matrix_impl, gemm_cpu_impl, gemm_gpu_impl, gemm_matrix_gpu_impl, gemm_clblast_impl;
extern const impl conv3x3_matrix_impl, conv3x3_cpu_impl, conv3x3_winograd_impl, conv3x3_winograd_gpu_impl,
    conv3x3_gpu_impl;

/* The values of [conv3x3] for a step. */
typedef struct conv3x3_values {
    int impl, winograd_mb, winograd_mflop, matrix_mflop, matrix_pixels;
} conv3x3_values;
conv3x3_values conv3x3_values_of(const plan *p, const step *s);

/* Has a step so many million operations an image? */
bool conv3x3_has(const step *s, int mflop);
/* Can a step be computed by Winograd's filtering; has it enough to do that this is worth its rounding? Direct convolution is the more exact one, and as fast
 * where there is little to do. */
bool conv3x3_winograd_fits(const plan *p, const step *s);
bool conv3x3_winograd_pays(const plan *p, const step *s);

/* The scalars of a convolution step. */
typedef struct conv_params {
    int flags, stride, pad, up_h, up_w; /* up: the size that the convolution sees */
} conv_params;

#endif
