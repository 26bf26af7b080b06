/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/utf8.h"
#include "cli/verbs.h"

#include <stdlib.h>

typedef struct listing {
    FILE *f;
    bool json;
    int count;
} listing;

static void add_chunk(void *user, const char *key, const char *value)
{
    listing *l = user;
    if (l->json) {
        fputs(l->count ? ",{\"key\":" : "{\"key\":", l->f);
        json_quote(l->f, key);
        fputs(",\"value\":", l->f);
        json_quote(l->f, value);
        fputc('}', l->f);
    } else {
        if (l->count) fputc('\n', l->f);
        utf8_print(l->f, key);
        fputs(":\n", l->f);
        utf8_print(l->f, value);
        fputc('\n', l->f);
    }
    l->count++;
}

/* Collected first: a file that turns out to be damaged prints nothing. */
int cli_info(const options *o)
{
    int err = 0;
    char *text = NULL;
    size_t size = 0;
    listing l = {.f = open_memstream(&text, &size), .json = o->json};
    if (!l.f) TRY(cli_fail(SDCL_ENOMEM, "no memory for the text of %s", o->operand));
    err = cli_library(sdcl_png_text(o->operand, add_chunk, &l));
    if (fclose(l.f) && !err) err = cli_fail(SDCL_ENOMEM, "no memory for the text of %s", o->operand);
    TRY(err);
    if (o->json) {
        fputs("{\"file\":", stdout);
        json_quote(stdout, o->operand);
        printf(",\"text\":[%s]}\n", text);
    } else {
        fputs(text, stdout);
        if (!l.count) fprintf(stderr, "sdcl: %s has no text\n", o->operand);
    }
out:
    free(text);
    return err;
}
