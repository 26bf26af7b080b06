/* SPDX-License-Identifier: MIT */
/* A file of named tensors, opened read-only. What every container format looks like to its users: all numbers below have
 * been checked against the file before an entry is handed out. */
#ifndef SDCL_IO_TENSOR_FILE_H
#define SDCL_IO_TENSOR_FILE_H

#include <stdbool.h>
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
    uint64_t offset;   /* of the first element, from the start of the file */
    uint64_t bytes;
    bool strided; /* its elements are not in row-major order in the file: at sums of index times stride, in elements */
    uint64_t stride[TENSOR_RANK_MAX];
} file_tensor;

typedef struct tensor_file tensor_file;

/* Opens a safetensors file or one that torch.save wrote, of today (a zip archive) or of before 1.6; which of them it is, is
 * seen from its first bytes. Refuses (SDCL_EMODEL) whatever is malformed, naming file and tensor. */
int tensor_file_open(tensor_file **f, const char *path);
void tensor_file_close(tensor_file **f);

const char *tensor_file_path(const tensor_file *f);
/* Size of the file in bytes when it was opened. */
uint64_t tensor_file_size(const tensor_file *f);
int tensor_file_count(const tensor_file *f);
const file_tensor *tensor_file_at(const tensor_file *f, int i);              /* in file order */
const file_tensor *tensor_file_find(const tensor_file *f, const char *name); /* NULL: not there */

/* Reads bytes [first, first + n) of a tensor, in row-major order, into dst with pread; whole elements of a strided one. A file that has become shorter is
 * SDCL_EMODEL, never a crash; so is one that was written to since it was opened, and a checksum that does not fit, where the format has them and reads follow
 * each other from a tensor's first byte to its last. From any thread. */
int tensor_file_read(const tensor_file *f, const file_tensor *t, uint64_t first, uint64_t n, void *dst);

/* Reads a tensor's data once and compares its checksum, where the format has one. */
int tensor_file_verify(const tensor_file *f, const file_tensor *t);

const char *file_dtype_name(file_dtype d); /* "F16" ... */
int file_dtype_size(file_dtype d);         /* bytes per element */

#endif
