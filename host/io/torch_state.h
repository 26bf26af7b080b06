/* SPDX-License-Identifier: MIT */
/* From the pickle of a PyTorch file to its tensors; where storages lie in the file is the container's knowledge. */
#ifndef SDCL_IO_TORCH_STATE_H
#define SDCL_IO_TORCH_STATE_H

#include "io/container.h"
#include "io/pickle.h"

typedef struct torch_storage {
    const char *key; /* owned by the list */
    file_dtype dtype;
    uint64_t elements, bytes;
    uint64_t offset; /* within the file; set by the container */
} torch_storage;

typedef struct torch_storages {
    torch_storage *item; /* owned, sorted by key; no key is there twice */
    char *keys;          /* owned */
    int count;
} torch_storages;

/* Every storage that the pickle mentions. Freed by the caller either way. */
int torch_storages_collect(torch_storages *s, const pickle *p);
void torch_storages_free(torch_storages *s);
torch_storage *torch_storages_find(const torch_storages *s, const char *key, size_t key_bytes); /* NULL: not there */

/* Fills in f's tensors and names from the pickle's dict, or the dict that is its "state_dict"; other values are training
 * state and left alone. The storages have their offsets. */
int torch_state_read(tensor_file *f, const pickle *p, const torch_storages *s);

#endif
