/* SPDX-License-Identifier: MIT */
/* NumPy files of version 1.0, C order, little-endian float32 or int32. */
#ifndef SDCL_TESTS_NPY_H
#define SDCL_TESTS_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NPY_RANK_MAX = 4 };

typedef struct npy {
    int rank, shape[NPY_RANK_MAX];
    size_t count;
    float *f32;   /* owned; one of the two is NULL */
    int32_t *i32; /* owned */
} npy;

/* False, with the reason on stderr, for a file that is missing or anything else than the above. */
bool npy_read(npy *a, const char *path);
void npy_free(npy *a);
/* Type and shape. */
bool npy_alike(const npy *a, const npy *b);

#endif
