/* SPDX-License-Identifier: MIT */
/* What every op has to compute, in plain C and double precision: obvious rather than fast. Tensors are dense, NHWC; nothing here is shared with the code
 * that it checks. Absent vectors are NULL. */
#ifndef SDCL_REF_REF_H
#define SDCL_REF_REF_H

#include <stdint.h>

typedef enum ref_act { REF_NONE, REF_SILU, REF_GELU, REF_QUICK_GELU } ref_act;

/* step: only every step-th row of the result is computed (1: all): large products are checked by a sample. */

/* What follows a product: bias (columns of w), row (images x n, or of_all: n), act or geglu, residual (rows x n). */
typedef struct ref_epilogue {
    const double *bias, *row, *residual;
    ref_act act;
    int geglu, of_all;
} ref_epilogue;

/* y (m,n) = epilogue(x (m,k) * w (n,k)^T), w (2n,k) with geglu; `image` rows of x make an image. */
void ref_gemm(double *y, const double *x, const double *w, int m, int n, int k, int image, int step,
              const ref_epilogue *e);
/* y (images,oh,ow,n) = epilogue(conv(x (images,h,w,c) seen as (uh,uw), w (n,c,3,3))), `pad` zeros above and left. */
void ref_conv3x3(double *y, const double *x, const double *wt, int images, int h, int w, int c, int uh, int uw, int oh,
                 int ow, int stride, int pad, int n, int step, const ref_epilogue *e);

/* y = groupnorm(x (images,hw,c)) * gamma + beta, then SiLU. */
void ref_groupnorm(double *y, const double *x, const double *gamma, const double *beta, int images, int hw, int c,
                   int groups, double eps, int silu);
/* norm (images,2,c): the factor and the summand of each channel that groupnorm (without SiLU) comes to. */
void ref_groupnorm_stats(double *norm, const double *x, const double *gamma, const double *beta, int images, int hw,
                         int c, int groups, double eps);
/* y = x * norm[0] + norm[1] per image and channel, norm (images,2,c); then SiLU. y may be x. */
void ref_norm_apply(double *y, const double *x, const double *norm, int images, int hw, int c, int silu);
void ref_layernorm(double *y, const double *x, const double *gamma, const double *beta, int rows, int c, double eps);

/* y (images,tq,heads*d) = softmax(scale q k^T) v */
void ref_attention(double *y, const double *q, const double *k, const double *v, int images, int tq, int tk, int heads,
                   int d, double scale, int causal, int step);

void ref_timestep(double *y, const double *t, int images, int c, int cos_first, double shift);
/* program: as op_scheduler's; slots (16,len) in place */
void ref_scheduler(double *slots, const double *pred, const double *program, int len, int guided);
/* rgb = round to even(255 u), u = clamp(x / 2 + 0.5) */
void ref_image(double *rgb, double *unit, const double *x, int count);

#endif
