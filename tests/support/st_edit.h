/* SPDX-License-Identifier: MIT */
/* Safetensors files as lists of tensors that tests drop, rename, retype and write again; and JSON files with a member
 * changed. Failures end the program: they are faults of the test. */
#ifndef SDCL_TESTS_ST_EDIT_H
#define SDCL_TESTS_ST_EDIT_H

#include <stddef.h>
#include <stdint.h>

typedef struct st_tensor {
    char name[256], dtype[8];
    int rank;
    uint64_t shape[8];
    unsigned char *data; /* owned */
    size_t bytes;
} st_tensor;

typedef struct st_list {
    st_tensor *tensor;
    int count;
} st_list;

void list_read(st_list *l, const char *path);
void list_write(const st_list *l, const char *path);
void list_free(st_list *l);

int list_index(const st_list *l, const char *name); /* -1: not there */
void list_drop(st_list *l, const char *name);
void list_drop_prefix(st_list *l, const char *prefix);
void list_rename(st_list *l, const char *from, const char *to);
/* In every name: the first occurrence of from. */
void list_rename_all(st_list *l, const char *from, const char *to);
/* Another shape of the same number of elements. */
void list_reshape(st_list *l, const char *name, int rank, const uint64_t *shape);
/* Another type of the same size. */
void list_retype(st_list *l, const char *name, const char *dtype);
/* A tensor of zeros. F16 or F32. */
void list_add(st_list *l, const char *name, const char *dtype, int rank, const uint64_t *shape);

/* Sets key of the object in the file to a JSON literal, or removes it where literal is NULL. */
void json_edit(const char *path, const char *key, const char *literal);

void text_write(const char *path, const char *text);
/* What the shell says to a command built from format; ends the program where it fails. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
