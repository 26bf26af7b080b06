/* SPDX-License-Identifier: MIT */
/* A JSON object file and typed, range-checked access to its members. The first failure latches: later calls return
 * their fallback and json_reader_close hands the error out, so a reader of many keys is straight-line code. A null
 * value counts as absent. */
#ifndef SDCL_IO_JSON_READ_H
#define SDCL_IO_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct json_reader {
    const char *path; /* for messages; borrowed */
    json_t *file;     /* owned */
    json_t *root;     /* the object whose members are read: file, or an object within it */
    int err;
} json_reader;

/* Opens a file of at most max_bytes; duplicate keys and a root that is not an object are refused. Infinity and
 * -Infinity, which Python writes and JSON does not have, count as null. */
void json_reader_open(json_reader *r, const char *path, size_t max_bytes);
/* Frees the tree; 0 or the first error. */
int json_reader_close(json_reader *r);

int json_read_int(json_reader *r, const char *key, int fallback, int min, int max);
double json_read_number(json_reader *r, const char *key, double fallback, double min, double max);
bool json_read_bool(json_reader *r, const char *key, bool fallback);
/* The string, borrowed from the tree. */
const char *json_read_string(json_reader *r, const char *key, const char *fallback);
/* The string copied into out[size]; one that does not fit is refused. */
void json_read_text(json_reader *r, const char *key, const char *fallback, char *out, size_t size);
/* One integer for all n places, or a list of exactly n. */
void json_read_ints(json_reader *r, const char *key, int fallback, int min, int max, int *out, int n);
/* The elements of a list of 1..max integers into out; its length, or 0 where the key is absent. */
int json_read_int_list(json_reader *r, const char *key, int min, int max, int *out, int n_max);
/* Refuses a value that is not among the JSON literals in allowed, separated by spaces; absent is fine. For options
 * with only one supported value. */
void json_expect(json_reader *r, const char *key, const char *allowed);
typedef struct json_expectation {
    const char *key, *allowed;
} json_expectation;
/* The same for a list that ends with a key of NULL. */
void json_expect_all(json_reader *r, const json_expectation *list);

#endif
