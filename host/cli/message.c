/* SPDX-License-Identifier: MIT */
#include "cli/message.h"

#include "cli/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum { LINES_MAX = 5 }; /* of the message; the hint is the sixth */

static char message[2048], hint[512];

int cli_fail(int status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    hint[0] = 0;
    return status;
}

void cli_hint(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(hint, sizeof hint, format, ap);
    va_end(ap);
}

int cli_library(int status)
{
    if (!status) return 0;
    cli_fail(status, "%s", sdcl_last_error());
    cli_hint("%s", sdcl_last_hint());
    return status;
}

const char *cli_last_error(void) { return message; }
const char *cli_last_hint(void) { return hint; }

void cli_report(FILE *f)
{
    char *line = message;
    fputs("sdcl: ", f);
    for (int i = 0; line && i < LINES_MAX; i++) {
        char *end = strchr(line, '\n');
        if (end) *end++ = 0;
        if (i) fputs("  ", f);
        utf8_print(f, line);
        fputs(end && *end && i == LINES_MAX - 1 ? " ...\n" : "\n", f);
        line = end && *end ? end : NULL;
    }
    if (!hint[0]) return;
    for (char *c = hint; *c; c++)
        if (*c == '\n') *c = ' ';
    fputs("hint: ", f);
    utf8_print(f, hint);
    fputc('\n', f);
}

int cli_flush(FILE *f, const char *name)
{
    errno = 0;
    if (!fflush(f) && !ferror(f)) return 0;
    return cli_fail(SDCL_EOUTPUT, "cannot write to %s%s%s", name, errno ? ": " : "", errno ? strerror(errno) : "");
}
