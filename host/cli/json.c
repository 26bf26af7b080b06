/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include "cli/utf8.h"

#include <stdlib.h>

void json_quote(FILE *f, const char *s)
{
    fputc('"', f);
    while (*s) {
        const char *begin = s;
        int32_t c = utf8_next(&s);
        if (c == '"' || c == '\\') fprintf(f, "\\%c", (int)c);
        else if (c == '\n') fputs("\\n", f);
        else if (c < 0) fputs("\\ufffd", f);
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) fprintf(f, "\\u%04x", (unsigned)c);
        else fwrite(begin, 1, (size_t)(s - begin), f);
    }
    fputc('"', f);
}

void json_number(FILE *f, double x)
{
    char text[32];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    fputs(text, f);
}
