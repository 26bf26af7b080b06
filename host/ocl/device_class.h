/* SPDX-License-Identifier: MIT */
#ifndef SDCL_OCL_DEVICE_CLASS_H
#define SDCL_OCL_DEVICE_CLASS_H

#include "sdcl.h"

#include <stdbool.h>
#include <string.h>

/* Does the device want CPU kernels: wide vectors within a work-item, no barriers? True for CPUs with a compiler of their own (PoCL, Intel's runtime). Mesa's
 * llvmpipe calls itself a CPU but vectorises across work-items and has a GPU's small private memory: there the CPU kernels take minutes to compile. */
static inline bool device_wants_cpu_kernels(const sdcl_device *d)
{
    return !strcmp(d->type, "cpu") && !strstr(d->name, "llvmpipe");
}

#endif
