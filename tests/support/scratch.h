/* SPDX-License-Identifier: MIT */
/* A temporary folder of a test. */
#ifndef SDCL_TESTS_SCRATCH_H
#define SDCL_TESTS_SCRATCH_H

#include <stdbool.h>

typedef struct scratch {
    char folder[256];
} scratch;

/* Below $TMPDIR or /tmp. */
bool scratch_open(scratch *s);
/* Removes the folder with everything in it; does not follow links. */
void scratch_close(scratch *s);

#endif
