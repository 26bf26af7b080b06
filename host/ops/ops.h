/* SPDX-License-Identifier: MIT */
/* The operations of the model. Each appends one step (some two) to the plan and launches nothing; shapes are checked here, and an error names
 * the plan's scope. Arguments: output, inputs, weights, options. Outputs may alias an input only where that is said. */
#ifndef SDCL_OPS_OPS_H
#define SDCL_OPS_OPS_H

#include "plan/plan.h"

typedef enum activation { ACT_NONE, ACT_SILU, ACT_GELU, ACT_QUICK_GELU } activation;

/* What GEMM and convolution do besides multiplying:
 *   v = x * w + bias + row;  v = act(v);  y = v + residual         (GEGLU: v = first half * gelu(second half), see op_gemm)
 * Zero-initialised fields of type tensor are absent only if .buf < 0: start from FUSE_NONE. */
typedef struct fuse {
    tensor bias; /* (1,1,1,N) F32 */
    tensor row;  /* (n or 1,1,1,N) F32: added to every pixel of image n, or of all (time embedding); may be a slice */
    tensor residual; /* shape of y; may be y's own memory */
    activation act;
    bool geglu;
    tensor norm;    /* (n,1,2,K) F32 from op_groupnorm_stats: x is replaced by x * norm[0] + norm[1] ... */
    bool norm_silu; /* ... and then by its SiLU; a step of its own where the implementation does not fuse it */
} fuse;

#define FUSE_NONE ((fuse){.bias = {.buf = -1}, .row = {.buf = -1}, .residual = {.buf = -1}, .norm = {.buf = -1}})

/* y (n,h,w,N) = x (n,h,w,K) * w[N][K]^T, w.taps = 1: linear layers and 1x1 convolutions. geglu: w has 2N rows, values then gates. */
int op_gemm(plan *p, tensor y, tensor x, weight *w, fuse f);

typedef enum conv_padding {
    PAD_SAME,      /* one zero on every side */
    PAD_DOWN_RIGHT /* one zero below and on the right: the VAE encoder's stride-2 convolution */
} conv_padding;

/* y (n,oh,ow,N) = 3x3 convolution of x (n,h,w,K), w.taps = 9. x is first upsampled (nearest) to (up_h, up_w) where up_h > 0; any size. oh = (h + pad - 3) /
 * stride + 1 with pad 2 (PAD_SAME) or 1. */
int op_conv3x3(plan *p, tensor y, tensor x, weight *w, int stride, conv_padding padding, int up_h, int up_w, fuse f);

/* What a plan does with the statistics of group normalisation in the step that follows. */
typedef enum groupnorm_next { GROUPNORM_KEPT, GROUPNORM_APPLIED, GROUPNORM_APPLIED_SILU } groupnorm_next;

/* norm (n,1,2,c) F32: per image and channel the scale gamma*rstd and the shift beta - mean*gamma*rstd of group normalisation. */
int op_groupnorm_stats(plan *p, tensor norm, tensor x, tensor gamma, tensor beta, int groups, float eps);
/* The same of one picture whose h rows are never there at once: they come in pieces from top to bottom, of equal height but for the last, which may be
 * lower. begin: piece is the shape and type of a full one; piece: rows y .. y + x.h of the picture; end: after the last piece. */
typedef struct groupnorm_pieces {
    tensor part, piece; /* part: (pieces, slabs, 2, c) F32 */
    int h, slab;
} groupnorm_pieces;
int op_groupnorm_begin(plan *p, groupnorm_pieces *g, tensor piece, int h);
int op_groupnorm_piece(plan *p, const groupnorm_pieces *g, tensor x, int y);
int op_groupnorm_end(plan *p, tensor norm, const groupnorm_pieces *g, tensor gamma, tensor beta, int groups, float eps);
/* y = x * norm[0] + norm[1], then SiLU if asked; converts between storage types. y may be x. */
int op_norm_apply(plan *p, tensor y, tensor x, tensor norm, bool silu);
/* y = layernorm(x) over c. y may be x. */
int op_layernorm(plan *p, tensor y, tensor x, tensor gamma, tensor beta, float eps);

/* y (n,1,tq,heads*d) = softmax(scale * q k^T) v per head; q (n,1,tq,heads*d), k and v (n,1,tk,heads*d), all may be slices. (h,w) count as tokens.
 * causal: query i sees keys 0..i. k.n and v.n equal q.n. No buffer of size tq*tk. */
int op_attention(plan *p, tensor y, tensor q, tensor k, tensor v, int heads, float scale, bool causal);

/* y (n,1,1,c) F32 = sinusoidal embedding of the timesteps t (n,1,1,1) F32; halves cos,sin if cos_first else sin,cos. shift: diffusers' freq_shift. */
int op_timestep(plan *p, tensor y, tensor t, bool cos_first, float shift);
/* y = x, converting type and row stride. */
int op_copy(plan *p, tensor y, tensor x);
/* y = scale * x, F32 in, activation type out; y has r times x's images: image i of y is image i % x.n of x. The UNet's input, doubled for guidance. */
int op_scale_repeat(plan *p, tensor y, tensor x, tensor scale);
/* rgb (n,h,w,3) U8 = round_half_even(255 * clamp(x / 2 + 0.5, 0, 1)); unit (n,h,w,3) F32: the same before rounding, 0..1; may be NO_TENSOR. */
int op_image(plan *p, tensor rgb, tensor unit, tensor x);

/* The arithmetic of a sampler step: guidance, then up to SCHEDULER_ROWS_MAX linear combinations of slots, one after the other, in one kernel.
 * slots (SCHEDULER_SLOTS,1,1,len) F32: one row a slot, len = batch * h * w * c. pred: F32, 2 len values (unconditional, then conditional) or len.
 * Slot 1 becomes u + guidance * (c - u), or pred itself where it has len values. program (1,1,1,SCHEDULER_PROGRAM) F32:
 *   [0] guidance  [1] number of rows  [2] 1: pred is read (slot 1 is set), 0: not
 *   then per row: out, clamp (0: none), factors of the SCHEDULER_SLOTS slots. */
enum {
    SCHEDULER_SLOTS = 16,
    SCHEDULER_ROWS_MAX = 8,
    SCHEDULER_PROGRAM = 3 + SCHEDULER_ROWS_MAX * (2 + SCHEDULER_SLOTS)
};
int op_scheduler(plan *p, tensor slots, tensor pred, tensor program);

/* Is there an implementation for precision BF16 on the device? Tried out the first time. */
bool ops_multiply_bf16(ocl *o);

/* Everything that INI files can set: null-terminated. */
extern const ocl_section *const ops_sections[];
/* Sections whose values do not go together, beyond what each tunable allows; device may be NULL. SDCL_EUSAGE names file, line and rule. */
int ops_check_config(const config *c, const sdcl_device *device);
/* config_judge_fn; device: an ocl_device, of which one that is not here (id NULL) has no known limits. */
config_verdict ops_judge(void *device, const config *c, const ocl_section *section, ocl_shape shape, const int *values,
                         char *why, size_t size);

#endif
