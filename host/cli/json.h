/* SPDX-License-Identifier: MIT */
/* The pieces of JSON that the verbs print. */
#ifndef SDCL_CLI_JSON_H
#define SDCL_CLI_JSON_H

#include <stdio.h>

/* s quoted; invalid UTF-8 becomes U+FFFD, control characters are escaped. */
void json_quote(FILE *f, const char *s);
/* Finite x in as few digits as read back to it. */
void json_number(FILE *f, double x);

#endif
