/* SPDX-License-Identifier: MIT */
/* A tensor as the library takes it. */
#ifndef SDCL_OPS_CLBLAST_OPERAND_H
#define SDCL_OPS_CLBLAST_OPERAND_H

#include "ocl/clblast.h"
#include "ops/launch.h"

/* While the plan runs: where it lies by then. */
static inline clblast_operand clblast_operand_of(const plan *p, tensor t)
{
    return (clblast_operand){tensor_mem(p, t), tensor_off(p, t), t.ld};
}

#endif
