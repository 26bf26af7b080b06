/* SPDX-License-Identifier: MIT */
/* What a user can tune. A kernel declares its tunables once, as an X-macro of P(NAME, default, "choices", "meaning"):
 *
 *     #define GEMM_CPU_TUNE(P)                                             \
 *         P(MR, 8, "4 6 8 12", "rows of a register tile")                  \
 *         P(NV, 3, "1 2 3 4", "vectors of 16 columns of a register tile")
 *     OCL_KERNEL(gemm_cpu, GEMM_CPU_TUNE)
 *
 * which gives `struct gemm_cpu_tune` (ints by name) and `gemm_cpu_kernel` (the table from which come the -D options, INI
 * validation, the tuner's space and the documentation). A choice list of words makes the value the index of the word. */
#ifndef SDCL_OCL_TUNABLE_H
#define SDCL_OCL_TUNABLE_H

typedef struct ocl_tunable {
    const char *name;
    int value;           /* default: the number, or the index of the word */
    const char *choices; /* separated by blanks */
    const char *meaning;
} ocl_tunable;

/* A section of the INI file: a kernel (name = its file and entry point) or an op. */
typedef struct ocl_section {
    const char *name;
    const ocl_tunable *tunables;
    int count;
    int per_precision; /* [name.f16] may overlay [name] */
} ocl_section;

#define OCL_TUNABLE_FIELD(name, value, choices, meaning) int name;
#define OCL_TUNABLE_ROW(name, value, choices, meaning) {#name, value, choices, meaning},

#define OCL_KERNEL(kernel, TUNE)                                                                                       \
    struct kernel##_tune {                                                                                             \
        TUNE(OCL_TUNABLE_FIELD)                                                                                        \
    };                                                                                                                 \
    static const ocl_tunable kernel##_tunables[] = {TUNE(OCL_TUNABLE_ROW)};                                            \
    const ocl_section kernel##_kernel = {#kernel, kernel##_tunables, sizeof kernel##_tunables / sizeof(ocl_tunable), 1};

#endif
