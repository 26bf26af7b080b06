/* SPDX-License-Identifier: MIT */
/* For tests of model files: a temporary folder, safetensors files written by hand, valid or broken on purpose, and the
 * verdict on them. What cannot be written ends the program. */
#ifndef SDCL_TESTS_ST_WRITER_H
#define SDCL_TESTS_ST_WRITER_H

#include "io/tensor_file.h"

#include <stddef.h>

/* Group fixtures of cmocka: make the folder; remove it with all that is in it. */
int st_folder_make(void **state);
int st_folder_remove(void **state);
/* "FOLDER/name"; valid until the eighth call after it. */
const char *st_path(const char *name);

/* n bytes, verbatim. */
void st_write_bytes(const char *path, const void *bytes, size_t n);
/* The header's length, the header, and data_bytes bytes of data: byte i is st_data(i). */
void st_write_file(const char *path, const void *header, size_t header_bytes, size_t data_bytes);
unsigned char st_data(size_t i);

/* One member of a header, and a header of two tensors with 12 bytes of data. */
#define ST_ENTRY(name, dtype, shape, offsets)                                                                          \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ST_PAIR "{" ST_ENTRY("w", "F32", "[1,2]", "[0,8]") "," ST_ENTRY("v", "F16", "[2]", "[8,12]") "}"

/* Writes valid.safetensors and opens it, which must succeed; the caller closes. */
tensor_file *st_opened(const char *header, size_t header_bytes, size_t data_bytes);
/* Opening the file fails with SDCL_EMODEL within a second, without a handle, with a message that names the file, contains
 * says and cannot drive a terminal. */
void st_assert_refused(const char *path, const char *says);

#endif
