/* SPDX-License-Identifier: MIT */
/* Kernel sources as one translation unit. PoCL builds one program at a time, even from its cache, and first preprocesses 20,000 lines of declarations of
 * built-in functions (17 ms). So there the kernels of a model are bundled into one program, which declares the functions that it uses itself
 * (cl/builtins.h: 5 ms); elsewhere a unit holds one kernel and units build in parallel.
 *
 * common.h comes first, once. Then each kernel's text, other headers inlined, between #defines of its options and #undefs of everything that it defined.
 * File-scope names of the text (functions that begin a line with INLINE, typedefs, the entry point) get the unit's number as a suffix. */
#ifndef SDCL_OCL_SOURCE_H
#define SDCL_OCL_SOURCE_H

#include "base/strbuf.h"

#include <stdint.h>

/* Appends common.h; declare: cl/builtins.h before it. SDCL_EINTERNAL: missing. */
int source_begin(strbuf *unit, bool declare);
/* Appends kernel `name` (cl/<name>.cl), compiled with options of the form "-DA=1 -DB=2"; its entry point becomes <name>_<number>. */
int source_add(strbuf *unit, const char *name, const char *options, int number);

enum { SOURCE_HASH = 17 };
/* Sixteen hex digits that change with the text of a kernel, or of any kernel of an op ("gemm": gemm_cpu, gemm_gpu ...). A name without kernels has one too. */
int source_hash(char hex[SOURCE_HASH], const char *name);

/* A hash of what is compiled for one kernel: options and text. */
int source_kernel_hash(uint64_t *sum, const char *name, const char *options);

#endif
