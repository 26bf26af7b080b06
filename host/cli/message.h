/* SPDX-License-Identifier: MIT */
/* What the program says when something fails. The verbs record a failure and return its status; main reports it once. */
#ifndef SDCL_CLI_MESSAGE_H
#define SDCL_CLI_MESSAGE_H

#include "sdcl.h"

#include <stdio.h>

/* Records what failed (and, after a newline, why) and returns status; no hint. */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds one thing to try. */
void cli_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Passes a status of the library on; a failure's message and hint become the recorded ones. */
int cli_library(int status);
const char *cli_last_error(void);
const char *cli_last_hint(void);

/* At most six lines: "sdcl: what failed", why, "hint: what to try". */
void cli_report(FILE *f);
/* Flushes a stream and reports what was lost on the way: SDCL_EOUTPUT. */
int cli_flush(FILE *f, const char *name);

/* Like TRY of the library: needs `int err` and the label `out`. */
#define TRY(x)                                                                                                         \
    do {                                                                                                               \
        err = (x);                                                                                                     \
        if (err) goto out;                                                                                             \
    } while (0)

#endif
