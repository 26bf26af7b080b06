/* SPDX-License-Identifier: MIT */
/* Which matrix instructions of an x86 CPU a device multiplies bf16 with. */
#ifndef SDCL_OPS_X86_MATRIX_H
#define SDCL_OPS_X86_MATRIX_H

#include "ops/launch.h"

/* cl/x86_matrix.h has the same numbers. X86_PLAIN and X86_AMX_PLAIN, for tests: operands and layouts of dot products and of AMX without such instructions. */
typedef enum x86_engine { X86_PLAIN, X86_AMX_PLAIN, X86_DOT, X86_AMX, X86_ENGINES, X86_NONE = X86_ENGINES } x86_engine;

/* Does the engine multiply tiles of 16 by 16? */
static inline bool x86_has_tiles(x86_engine e) { return e == X86_AMX || e == X86_AMX_PLAIN; }

/* The register tile, rows by panels, where the engine has tiles: two by two of AMX's eight hold sums. Else what is tuned stays. */
static inline void x86_register_tile(x86_engine e, int *rows, int *panels)
{
    if (!x86_has_tiles(e)) return;
    *rows = 32;
    *panels = 2;
}

/* By the CPU and the system alone: what remains to be proved. */
bool x86_matrix_offered(const ocl_device *d, x86_engine e);
/* The engine that multiplies fastest on the device, among those that the CPU and the system offer, that compile, and that give the right sums; X86_NONE where
 * that is none, or where plain f32 is faster than all. Timed in a tenth of a second, or more where it is close, and kept once two processes
 * agree (ocl_probe_kept). */
x86_engine x86_matrix_best(ocl *o);
/* [gemm] matrix, as it is for the shape, if that works there, or the best; X86_NONE: none. */
x86_engine x86_matrix_engine(ocl *o, ocl_shape shape);
/* Sets the layout of a weight that the engines read, and asks for the kernel that makes it, so that it is built with the others. paired: GEGLU. */
int x86_matrix_weight(plan *p, weight *w, bool paired);
/* What keeps a plan from the engine of a shape; NULL: nothing. */
const char *x86_matrix_lacks_at(const plan *p, ocl_shape shape);
/* impl.lacks: of the engine of all shapes, which convolutions and attention run on as well: the shapes of [gemm] are those of linear layers. */
const char *x86_matrix_lacks(const plan *p);
/* Does the engine work there, fast or not? */
bool x86_matrix_works(ocl *o, x86_engine e);
/* How many times as fast as f32 on the same device (X86_DOT, X86_AMX); 0: it does not work. All are timed at once, with the first that is asked for. */
double x86_matrix_speed(ocl *o, x86_engine e);

#endif
