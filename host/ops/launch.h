/* SPDX-License-Identifier: MIT */
/* What the files of the ops share: kernel options from tunables, argument lists, and the blocking of the CPU kernels. */
#ifndef SDCL_OPS_LAUNCH_H
#define SDCL_OPS_LAUNCH_H

#include "ops/ops.h"

/* Values of a section in force for steps of a shape that compute in storage type dt: fills a `struct x_tune`, for op_kernel. Inside prepare the section becomes
 * one of the step. SDCL_EUSAGE: they do not fit the device. */
int tune_values(plan *p, const ocl_section *section, dtype dt, ocl_shape shape, void *tune);
/* Do a section's own rule and the device's work-groups allow these values? */
bool section_fits(const ocl_device *d, const ocl_section *section, ocl_shape shape, const void *tune);
/* The same as a question. */
bool tune_fits(const plan *p, const ocl_section *section, dtype dt, ocl_shape shape, void *tune);
/* Can a tunable's choices be different kernels on the device, for values stored as dt? False for those that fall back there: REDUCE without sub-groups,
 * MATH, and KCHUNK with it, without arithmetic in half. */
bool tunable_matters(const ocl_device *d, const ocl_tunable *t, dtype dt);

/* A sum of a section's kernel, text and values at a precision and shape: changes with what a probe's answer about it depends on. */
int section_sum(const ocl_device *d, const config *values, const ocl_section *section, dtype dt, ocl_shape shape,
                uint64_t *sum);
/* The values that the device comes with, whatever the user's are; to be closed. Contests are held with them: who wins does not hang on a value being tried. */
int shipped_values(const ocl *o, config **values);

/* The kernel of a section, compiled with its tunables and extra options ("-DXT=F32 ..."). tune: the section's values, may be NULL if it has none. */
int op_kernel(plan *p, ocl_kernel **k, const ocl_section *section, const void *tune, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Does the device run work-groups of that many items? */
bool group_fits(const ocl_device *d, int local0, int local1);

enum { ARGS_MAX = 48 };

typedef enum arg_kind { ARG_BUFFER, ARG_LONG, ARG_WORD } arg_kind;

/* The argument list of one launch, in the kernel's order. */
typedef struct args {
    ocl_arg list[ARGS_MAX];
    union {
        cl_mem mem;
        cl_ulong off;
        cl_int i;
        cl_float f;
    } value[ARGS_MAX];
    arg_kind kind[ARGS_MAX];
    int n;
    bool packed;  /* buffers, then the scalars as one struct, ulongs first: PoCL allocates for every argument */
    double flops; /* of the launch, where it may be split: ocl_grid */
} args;

void arg_int(args *a, int v);
void arg_ulong(args *a, cl_ulong v);
void arg_float(args *a, float v);
void arg_mem(args *a, cl_mem mem, cl_ulong offset);
void arg_buffer(args *a, cl_mem mem); /* pointer alone */
/* Pointer and offset of t; where t is absent, of `instead` (the kernel does not read it). */
void arg_tensor(args *a, const plan *p, tensor t, tensor instead);
int args_run(args *a, const plan *p, ocl_kernel *k, const char *module, size_t groups0, size_t groups1, size_t groups2,
             size_t local0, size_t local1);

/* Vectors of 16 columns in a panel, at most `most` and at least 2 where that allows it: as few padded columns as possible, then as wide as possible. */
int panel_vectors(int columns, int most);
/* NR of a weight's panels for the CPU kernels: what it has already, else the best of at most `most` vectors. */
int cpu_panel(const weight *w, int most);
/* Rows and panels per work-item of the CPU kernels: as large as the tunables allow, but enough items for every core. */
void cpu_blocks(const plan *p, int rows, int panels, int mr, int rb_max, int pb_max, int *rb, int *pb);

static inline size_t ceil_div(int a, int b) { return (size_t)((a + b - 1) / b); }

#endif
