/* SPDX-License-Identifier: MIT */
/* Reading a tensor whose elements are not in row-major order in the file, such as a transposed view or a convolution saved
 * channels last. */
#ifndef SDCL_IO_STRIDED_H
#define SDCL_IO_STRIDED_H

#include "io/tensor_file.h"

/* Reads n bytes of the file at offset. */
typedef int strided_source(const void *user, uint64_t offset, uint64_t n, void *dst);

/* Bytes [first, first + n) of t in row-major order, whole elements, into dst. The file is read forwards in windows of bounded
 * size, from the first to the last element of the rows (indices of the outermost dimension) that are asked for. */
int strided_read(const file_tensor *t, uint64_t first, uint64_t n, void *dst, strided_source *read, const void *user);

#endif
