/* SPDX-License-Identifier: MIT */
/* UTF-8 as it comes from arguments and files: checked, and made harmless before it reaches a terminal. */
#ifndef SDCL_CLI_UTF8_H
#define SDCL_CLI_UTF8_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The code point at *s, and *s moved behind it; -1 for a byte that begins no valid sequence (one byte is skipped). Not at the end. */
int32_t utf8_next(const char **s);
bool utf8_valid(const char *s);
/* Writes s with control characters (except newline and tab) and invalid bytes as \xNN. */
void utf8_print(FILE *f, const char *s);

#endif
