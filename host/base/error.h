/* SPDX-License-Identifier: MIT */
/* One error type: a negative sdcl_status, with cause and hint kept per thread. */
#ifndef SDCL_BASE_ERROR_H
#define SDCL_BASE_ERROR_H

#include "sdcl.h"

/* Records file:line (verbose builds show it), message and no hint; returns code. Control characters in the text are escaped. */
int error_set(int code, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds one thing to try to the thread's last error. */
void error_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Puts "text: " before the thread's last message and returns code: names the file or module that a lower layer did not know. */
int error_prefix(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define FAIL(code, ...) error_set((code), __FILE__, __LINE__, __VA_ARGS__)

/* The only macro with a hidden goto: needs `int err` and the label `out`. */
#define TRY(x)                                                                                                         \
    do {                                                                                                               \
        err = (x);                                                                                                     \
        if (err) goto out;                                                                                             \
    } while (0)

#endif
