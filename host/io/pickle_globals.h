/* SPDX-License-Identifier: MIT */
/* The names of classes and functions that a pickle of tensors may mention. A name is data: nothing is imported, and what a
 * name stands for is decided here. */
#ifndef SDCL_IO_PICKLE_GLOBALS_H
#define SDCL_IO_PICKLE_GLOBALS_H

#include "io/tensor_file.h"

#include <stddef.h>

typedef enum pickle_role {
    ROLE_DICT,      /* called: a new, empty dict */
    ROLE_TENSOR,    /* called: a tensor, described by the arguments */
    ROLE_PARAMETER, /* called: the tensor that is its first argument */
    ROLE_STORAGE,   /* the element type of a storage; not called */
    ROLE_INERT      /* called, built or filled: an object without content. Training state that full checkpoints carry */
} pickle_role;

typedef struct pickle_global {
    const char *module, *name;
    pickle_role role;
    file_dtype dtype; /* of ROLE_STORAGE */
} pickle_global;

/* By exact name; neither part is terminated. NULL: not on the list. */
const pickle_global *pickle_global_find(const char *module, size_t module_bytes, const char *name, size_t name_bytes);

#endif
