/* SPDX-License-Identifier: MIT */
/* Binds the named tensors of a model part to device weights. Names are diffusers'
 * ("down_blocks.0.resnets.1.conv1.weight"); one pair of braces stacks tensors of equal row length:
 * "attn1.to_{q,k,v}.weight" is one weight of three parts. A missing tensor is SDCL_EMODEL. */
#ifndef SDCL_NN_PARAMS_H
#define SDCL_NN_PARAMS_H

#include "io/model.h"
#include "plan/weights.h"

/* All borrowed. Weights read from the model's files and keep its tensor names: the model outlives the set. */
typedef struct params {
    const model *m;
    model_part part;
    weights *set;
} params;

enum { PARAMS_NAME = 192 };

/* A tensor name or module path; longer ones are cut (and then found missing). */
void params_name(char name[PARAMS_NAME], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Is the tensor (the first of stacked ones) there? */
bool params_has(const params *p, const char *name);

/* Tensors to be stacked, in the order in which they were added. Starts zeroed. */
typedef struct stack {
    weight_part part[WEIGHT_PARTS_MAX];
    int count, rows, columns, taps;
} stack;

int stack_add(stack *s, const params *p, const char *name);
/* The set owns *w. Rows are the first dimension, columns the second (1 for a vector), taps the product of the
 * others. */
int stack_bind(const stack *s, const params *p, weight **w);

#endif
