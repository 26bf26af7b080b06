/* SPDX-License-Identifier: MIT */
/* What a user can tune. A kernel declares its tunables once, as an X-macro of P(NAME, default, "choices", "meaning"):
 *
 *     #define GEMM_CPU_TUNE(P)                                             \
 *         P(MR, 8, "4 6 8 12", "rows of a register tile")                  \
 *         P(NV, 3, "1 2 3 4", "vectors of 16 columns of a register tile")
 *     OCL_KERNEL(gemm_cpu, GEMM_CPU_TUNE)
 *
 * which gives `struct gemm_cpu_tune` (ints by name) and `gemm_cpu_kernel` (the table from which come the -D options, INI
 * validation, the tuner's space and the documentation). A choice list of words makes the value the index of the word; among
 * numbers, `auto` in the first place is the value OCL_AUTO. */
#ifndef SDCL_OCL_TUNABLE_H
#define SDCL_OCL_TUNABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { OCL_PER_SHAPE = 1, OCL_PER_PRECISION = 2 };
enum { OCL_TUNABLES_MAX = 24 }; /* of a section */
enum { OCL_AUTO = -1 };         /* left to the library that the section is for */

typedef struct ocl_tunable {
    const char *name;
    int value;           /* default: the number, or the index of the word */
    const char *choices; /* separated by blanks */
    const char *meaning;
} ocl_tunable;

/* What a step computes, per image: GEMM m rows, n columns, k summed values; convolution m output pixels, n output channels, k input channels; attention
 * m queries, n keys, k the head size; normalisation m rows, n channels. 0: no such dimension. Values can be set for a shape: [gemm_cpu M=64 N=320 K=320]. */
typedef struct ocl_shape {
    int m, n, k;
} ocl_shape;
#define OCL_ALL_SHAPES ((ocl_shape){0, 0, 0}) /* where there is no step: values set for a shape are for none */

struct ocl_device;
/* Can the device run these values (a `struct x_tune`) at a shape? */
typedef bool ocl_fits_fn(const struct ocl_device *d, ocl_shape shape, const void *tune);

/* A section of the INI file: a kernel (name = its file and entry point) or an op. */
typedef struct ocl_section {
    const char *name;
    const ocl_tunable *tunables;
    int count;
    int per_precision; /* [name.f16] may overlay [name]; OCL_PER_SHAPE: and both may be set for shapes */
    ocl_fits_fn *fits; /* NULL: every combination of choices, as far as a work-group of WG fits */
} ocl_section;

#define OCL_TUNABLE_FIELD(name, value, choices, meaning) int name;
#define OCL_TUNABLE_ROW(name, value, choices, meaning) {#name, value, choices, meaning},

#define OCL_SECTION(kernel, TUNE, fits, per)                                                                           \
    struct kernel##_tune {                                                                                             \
        TUNE(OCL_TUNABLE_FIELD)                                                                                        \
    };                                                                                                                 \
    static const ocl_tunable kernel##_tunables[] = {TUNE(OCL_TUNABLE_ROW)};                                            \
    _Static_assert(sizeof kernel##_tunables / sizeof(ocl_tunable) <= OCL_TUNABLES_MAX, "too many tunables");           \
    const ocl_section kernel##_kernel = {#kernel, kernel##_tunables, sizeof kernel##_tunables / sizeof(ocl_tunable),   \
                                         per, fits};

#define OCL_KERNEL_SECTION(kernel, TUNE, fits) OCL_SECTION(kernel, TUNE, fits, OCL_PER_SHAPE)
#define OCL_KERNEL(kernel, TUNE) OCL_KERNEL_SECTION(kernel, TUNE, NULL)
/* The same where not every combination fits every device: fits is defined further down in the file. */
#define OCL_KERNEL_FITS(kernel, TUNE, fits)                                                                            \
    static bool fits(const struct ocl_device *d, ocl_shape shape, const void *tune);                                   \
    OCL_KERNEL_SECTION(kernel, TUNE, fits)

#endif
