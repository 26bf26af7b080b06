/* SPDX-License-Identifier: MIT */
/* The parameters of CLBlast's GEMM kernels that INI files can set. A section is complete or absent: the library takes nothing less. */
#ifndef SDCL_OPS_CLBLAST_TUNE_H
#define SDCL_OPS_CLBLAST_TUNE_H

#include "ops/launch.h"

/* Sections that break a rule, on this device (NULL: as far as that can be said without one): SDCL_EUSAGE with file, line and rule. The library checks
 * nothing, and corrupts memory. */
int clblast_check(const config *c, const sdcl_device *device);
/* Inside prepare: hands the sections over that are set, after checking them. */
int clblast_override(plan *p, bool half);

#endif
