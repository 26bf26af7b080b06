/* SPDX-License-Identifier: MIT */
/* CLBlast's functions. The library is loaded when a plan first multiplies with it: its tables of parameters take longer to set up than all else before main,
 * and few processes need them. */
#ifndef SDCL_OCL_CLBLAST_LIBRARY_H
#define SDCL_OCL_CLBLAST_LIBRARY_H

#include "ocl/ocl.h"

#include <clblast_c.h>

typedef struct clblast_library {
    __typeof__(CLBlastSgemm) *sgemm;
    __typeof__(CLBlastSgemmWithTempBuffer) *sgemm_with_temporary;
    __typeof__(CLBlastSGemmTempBufferSize) *sgemm_temporary_bytes;
    __typeof__(CLBlastHgemm) *hgemm;
    __typeof__(CLBlastHgemmWithTempBuffer) *hgemm_with_temporary;
    __typeof__(CLBlastHGemmTempBufferSize) *hgemm_temporary_bytes;
    __typeof__(CLBlastOverrideParameters) *override_parameters;
    __typeof__(CLBlastClearCache) *clear_cache;
} clblast_library;

/* Fills l, unless it is filled already; for the rest of the process. Not thread-safe. SDCL_EDEVICE: there is no such library, or another version of it. */
int clblast_library_load(clblast_library *l);

#endif
