/* SPDX-License-Identifier: MIT */
/* A matrix of the model that stays in its file: a job needs a few of its rows, and they are read when it does. Neither the device nor the host holds it. */
#ifndef SDCL_NN_EMBEDDING_H
#define SDCL_NN_EMBEDDING_H

#include "nn/params.h"

typedef struct embedding {
    weight_part part;
    int columns;
    bool verified; /* its checksum, where the file has one */
} embedding;

/* The model behind p outlives it. */
int embedding_load(embedding *t, const params *p, const char *name);
/* rows (n, columns) = those of the given numbers. Each is read once, in the file's order. */
int embedding_rows(embedding *t, const int32_t *numbers, int n, float *rows);

#endif
