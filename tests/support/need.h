/* SPDX-License-Identifier: MIT */
/* For writers of test files: what must hold, or the test program ends. */
#ifndef SDCL_TESTS_NEED_H
#define SDCL_TESTS_NEED_H

#include "sdcl.h"

#include <stdio.h>
#include <stdlib.h>

#define NEED(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x)) {                                                                                                    \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #x, sdcl_last_error());                             \
            exit(99);                                                                                                  \
        }                                                                                                              \
    } while (0)

#endif
