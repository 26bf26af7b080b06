/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 2048, HINT_MAX = 512 };

static _Thread_local char message[MESSAGE_MAX], hint[HINT_MAX];

/* File contents reach messages: keep them from driving the terminal. Newlines of our own stay. */
static void escape_controls(char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\n') || *s == 0x7f) *s = '?';
}

int error_set(int code, const char *file, int line, const char *format, ...)
{
    (void)file;
    (void)line;
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    escape_controls(message);
    hint[0] = 0;
    return code;
}

void error_hint(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(hint, sizeof hint, format, ap);
    va_end(ap);
    escape_controls(hint);
}

int error_prefix(int code, const char *format, ...)
{
    char prefix[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(prefix, sizeof prefix - 2, format, ap);
    va_end(ap);
    strcat(prefix, ": ");
    size_t n = strlen(prefix), kept = strlen(message);
    if (kept > sizeof message - 1 - n) kept = sizeof message - 1 - n;
    memmove(message + n, message, kept);
    memcpy(message, prefix, n);
    message[n + kept] = 0;
    escape_controls(message);
    return code;
}

const char *sdcl_last_error(void) { return message; }
const char *sdcl_last_hint(void) { return hint; }

int sdcl_exit_code(int status)
{
    switch (status) {
#define EXIT_CASE(name, value, exit_code, text)                                                                        \
    case name: return exit_code;
        SDCL_STATUS(EXIT_CASE)
#undef EXIT_CASE
    case SDCL_OK: return 0;
    default: return 1;
    }
}
