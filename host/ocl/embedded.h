/* SPDX-License-Identifier: MIT */
/* Files that the build turns into arrays: tools/embed.sh. Both lists end with a null name. */
#ifndef SDCL_OCL_EMBEDDED_H
#define SDCL_OCL_EMBEDDED_H

#include <stddef.h>

typedef struct embedded_file {
    const char *name; /* base name: "gemm_cpu.cl" */
    const char *text; /* size bytes, then a terminator */
    size_t size;
} embedded_file;

extern const embedded_file embedded_cl[];
extern const embedded_file embedded_configs[];

#endif
