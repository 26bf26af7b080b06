/* SPDX-License-Identifier: MIT */
#ifndef SDCL_OPS_HALF_PROBE_H
#define SDCL_OPS_HALF_PROBE_H

#include "ocl/ocl.h"

typedef struct half_probe {
    bool storage, arithmetic; /* a kernel computed rightly: halves in memory; halves in registers */
    int multiple; /* of work-items, in which the device likes its groups: its sub-group where it has them; 0: unknown */
} half_probe;

/* Compiles and runs two small kernels. What does not compile is false, not an error. */
void half_probe_run(ocl *o, half_probe *result);

#endif
