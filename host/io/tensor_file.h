/* SPDX-License-Identifier: MIT */
/* A file of named tensors, opened read-only. What every container format (safetensors; torch zip and pickle) looks like to its users:
 * all numbers below have been checked against the file before an entry is handed out. */
#ifndef SDCL_IO_TENSOR_FILE_H
#define SDCL_IO_TENSOR_FILE_H

#include <stdint.h>

typedef enum file_dtype {
    FILE_F64,
    FILE_F32,
    FILE_F16,
    FILE_BF16,
    FILE_I64,
    FILE_I32,
    FILE_I16,
    FILE_I8,
    FILE_U8,
    FILE_BOOL
} file_dtype;

enum { TENSOR_RANK_MAX = 8 };

typedef struct file_tensor {
    const char *name; /* owned by the file */
    file_dtype dtype;
    int rank;
    uint64_t shape[TENSOR_RANK_MAX];
    uint64_t elements; /* product of shape; 1 for rank 0 */
    uint64_t offset;   /* of the first byte, from the start of the file */
    uint64_t bytes;
} file_tensor;

typedef struct tensor_file tensor_file;

/* Opens a safetensors file; refuses (SDCL_EMODEL) whatever is malformed, naming file and tensor. */
int tensor_file_open(tensor_file **f, const char *path);
void tensor_file_close(tensor_file **f);

const char *tensor_file_path(const tensor_file *f);
/* Size of the file in bytes when it was opened. */
uint64_t tensor_file_size(const tensor_file *f);
int tensor_file_count(const tensor_file *f);
const file_tensor *tensor_file_at(const tensor_file *f, int i);              /* in file order */
const file_tensor *tensor_file_find(const tensor_file *f, const char *name); /* NULL: not there */

/* Reads bytes [first, first + n) of a tensor into dst with pread. A file that has become shorter is SDCL_EMODEL, never a crash. */
int tensor_file_read(const tensor_file *f, const file_tensor *t, uint64_t first, uint64_t n, void *dst);

const char *file_dtype_name(file_dtype d); /* "F16" ... */
int file_dtype_size(file_dtype d);         /* bytes per element */

#endif
