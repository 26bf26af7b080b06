/* SPDX-License-Identifier: MIT */
/* Parameters of a model on the device. A weight is one tensor of the file, or several of equal row length stacked (Q, K and V as one GEMM).
 * It is declared from the file's shapes, given a layout by the implementation that uses it, then read once, through a bounded staging buffer. */
#ifndef SDCL_PLAN_WEIGHTS_H
#define SDCL_PLAN_WEIGHTS_H

#include "ocl/ocl.h"
#include "plan/tensor.h"

/* Columns that a work-item of cl/pack_rows.cl packs: its -DBLOCK, and the divisor of its grid. */
enum { PACK_BLOCK = 64 };
/* Options of cl/pack_pairs.cl, in the format of printf: type of the rows, columns of a work-item. */
#define PACK_PAIRS_OPTIONS "-DXT=%s -DBLOCK=%d"

enum { WEIGHT_PARTS_MAX = 96 }; /* stacked tensors of one weight */

/* Where a part's bytes come from: row-major [rows][columns][taps] in one of four element types. */
typedef enum weight_dtype { WEIGHT_F64, WEIGHT_F32, WEIGHT_F16, WEIGHT_BF16 } weight_dtype;

typedef struct weight_part {
    const char *name;         /* for messages */
    const void *file, *entry; /* what `read` needs */
    int (*read)(const void *file, const void *entry, uint64_t first_byte, uint64_t bytes, void *dst);
    weight_dtype dt;
    int rows;
} weight_part;

/* n values of type `from` at src -> type `to` (F32, F16) at dst; the two do not overlap. */
void weight_convert(void *dst, dtype to, const void *src, weight_dtype from, uint64_t n);
int weight_dtype_size(weight_dtype dt);

typedef enum weight_layout {
    LAYOUT_NONE,
    LAYOUT_VECTOR, /* f32, rows x columns x taps values: bias, gamma */
    LAYOUT_COLUMNS, /* [columns][rows] in a type of the user's choice, taps 1: for libraries. The same as one panel of all rows */
    LAYOUT_PAIRS, /* bf16 pairs for matrix instructions, panels of 16: cl/pack_pairs.cl */
    LAYOUT_PANELS /* [ceil(rows/NR)][taps][columns][NR], storage type, zero padded: the vector operand of GEMM and convolution */
} weight_layout;

typedef struct weight {
    int rows, columns, taps; /* output features, input features, 9 for a 3x3 convolution else 1 */
    dtype dt;                /* storage: F16 if every part is, else F32; LAYOUT_COLUMNS: as asked for */
    weight_layout layout;
    int panel;   /* NR */
    bool paired; /* panels hold NR/2 rows of the first half and the matching NR/2 of the second: GEGLU */
    cl_mem mem;  /* owned by the weight set; NULL until there is memory for it */
    bool filled; /* mem holds the values */
    struct {
        weight_layout layout;
        dtype dt;
        int panel;
        bool paired;
    } held;         /* what mem holds */
    uint64_t bytes; /* on the device, once the layout is set */
    int part_count;
    weight_part *parts; /* owned */
} weight;

typedef struct weights weights;

/* The kernels that put weights in place are asked for, but those of LAYOUT_PAIRS: with weights_expect_pairs, else by weights_load. */
int weights_new(weights **ws, ocl *o);
int weights_expect_pairs(weights *ws);
/* Are these kernels built within that time? */
bool weights_built_within(const weights *ws, double seconds);
void weights_free(weights **ws);

/* Declares a weight. parts are copied. columns and taps: of each row. The set owns *w. */
int weights_add(weights *ws, weight **w, const weight_part *parts, int count, int columns, int taps);

/* Sets the layout, or checks that it is the one already set: one layout per weight, across the plans alive. */
int weight_set_layout(weight *w, weight_layout layout, int panel, bool paired);
/* Before the plans of another shape are built, when none is alive: they may ask for other layouts. weights_load then reads again only what differs. */
void weights_forget_layouts(weights *ws);

/* LAYOUT_COLUMNS, stored as dt whatever the file has. */
int weight_set_columns(weight *w, dtype dt);

/* Where it is on the device; NULL before weights_load. */
cl_mem weight_mem(const weight *w);

int weights_count(const weights *ws);
/* Bytes of all weights that have a layout. */
uint64_t weights_bytes(const weights *ws);
/* Bytes of the buffers through which all of them are read, beside those; at most. */
uint64_t weights_staging_bytes(const weights *ws);
/* Reads and packs every weight that has a layout and is not on the device in it. progress may be NULL; what it returns other than 0 stops the loading. After
 * a failure nothing is loaded. */
int weights_load(weights *ws, int (*progress)(void *user, int done, int total), void *user);
/* Frees the device memory; declarations and layouts stay. */
void weights_unload(weights *ws);

#endif
