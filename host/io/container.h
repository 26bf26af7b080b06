/* SPDX-License-Identifier: MIT */
/* What a container format hands to the table of tensors; only for the readers of formats in this folder. */
#ifndef SDCL_IO_CONTAINER_H
#define SDCL_IO_CONTAINER_H

#include "io/checksums.h"
#include "io/tensor_file.h"

#include <time.h>

struct tensor_file {
    char *path; /* owned */
    int fd;     /* owned; -1: none */
    uint64_t size;
    struct timespec modified; /* before anything was read */
    int count;
    file_tensor *tensors;        /* owned, in file order */
    const file_tensor **by_name; /* owned, sorted */
    char *names;                 /* owned; what every tensor's name points into */
    checksums *sums;             /* owned; NULL: none */
    /* Makes the bytes of a tensor that no file holds; NULL: they are read from fd. */
    int (*make)(const file_tensor *t, uint64_t first, uint64_t n, void *dst);
};

/* Each fills in count, tensors and names from the open file, all checked against its size. Messages name the tensor, not the
 * file. What is set on failure is freed by tensor_file_close. */
int safetensors_read_header(tensor_file *f);
int torch_zip_read_header(tensor_file *f);
int torch_legacy_read_header(tensor_file *f);

/* Whether a tensor may be called so: not empty, at most 1024 bytes, no control characters. */
int container_check_name(const char *name);
/* Fills in by_name; refuses a name that is there twice. */
int container_index(tensor_file *f);

#endif
