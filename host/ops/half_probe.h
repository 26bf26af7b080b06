/* SPDX-License-Identifier: MIT */
/* What a device does with halves, found out by a small kernel. What does not compile is false, not an error. */
#ifndef SDCL_OPS_HALF_PROBE_H
#define SDCL_OPS_HALF_PROBE_H

#include "ocl/ocl.h"

/* Is arithmetic in half said to be there? By the extension; NVIDIA's compiler has it, too, and lists nothing. */
bool half_arithmetic_offered(const ocl_device *d);
/* Is it offered, and right? Tried once for an ocl, in a context of its own. */
bool half_arithmetic_works(ocl *o);
/* Halves in memory, floats in registers. multiple: of work-items, in which the device likes its groups: its sub-group where it has them; 0: unknown. */
bool half_storage_works(ocl *o, int *multiple);

#endif
