/* SPDX-License-Identifier: MIT */
#include "io/tensor_file.h"

static const struct {
    const char *name;
    int size;
} dtypes[] = {
    [FILE_F64] = {"F64", 8}, [FILE_F32] = {"F32", 4},   [FILE_F16] = {"F16", 2}, [FILE_BF16] = {"BF16", 2},
    [FILE_I64] = {"I64", 8}, [FILE_I32] = {"I32", 4},   [FILE_I16] = {"I16", 2}, [FILE_I8] = {"I8", 1},
    [FILE_U8] = {"U8", 1},   [FILE_BOOL] = {"BOOL", 1},
};

const char *file_dtype_name(file_dtype d) { return dtypes[d].name; }
int file_dtype_size(file_dtype d) { return dtypes[d].size; }
