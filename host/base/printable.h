/* SPDX-License-Identifier: MIT */
/* Text that came out of a file, made fit for a message. */
#ifndef SDCL_BASE_PRINTABLE_H
#define SDCL_BASE_PRINTABLE_H

#include <stdbool.h>

enum { PRINTABLE_MAX = 128 };

/* Copies text into out: every byte that is not printable ASCII becomes \xNN, so that it cannot drive the terminal; what
 * does not fit is replaced by "...". Returns out. */
const char *printable(char out[PRINTABLE_MAX], const char *text);

/* Whether UTF-8 text contains a control character: C0, DEL or C1. */
bool has_control(const char *text);

#endif
