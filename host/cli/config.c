/* SPDX-License-Identifier: MIT */
#include "cli/message.h"
#include "cli/utf8.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

typedef struct listing {
    char section[256];
    bool any, origins;
} listing;

/* INI again: the output is valid as --config. */
static void print_key(void *user, const char *section, const char *key, const char *value, const char *origin)
{
    listing *l = user;
    if (!l->any || strcmp(l->section, section)) {
        printf(l->any ? "\n[%s]\n" : "[%s]\n", section);
        snprintf(l->section, sizeof l->section, "%s", section);
        l->any = true;
    }
    if (!key) {
        fputs("; cannot run here: ", stdout);
        utf8_print(stdout, value);
        fputs(" (", stdout);
        utf8_print(stdout, origin);
        fputs(")\n", stdout);
    } else if (l->origins) printf("%-10s = %-10s ; %s\n", key, value, origin);
    else printf("%s = %s\n", key, value);
}

/* Warnings, and at the top of a listing with origins what it is of. */
static void print_message(void *user, sdcl_level level, const char *message)
{
    const options *o = user;
    if (level == SDCL_VERBOSE || (level == SDCL_INFO && !o->show_origin)) return;
    FILE *to = level == SDCL_WARNING ? stderr : stdout;
    fputs(level == SDCL_WARNING ? "sdcl: warning: " : "; ", to);
    utf8_print(to, message);
    fputs(level == SDCL_WARNING ? "\n" : "\n\n", to);
}

int cli_config(const options *o)
{
    listing l = {.origins = o->show_origin};
    sdcl_params params = o->params;
    params.log = print_message;
    params.user = (void *)o;
    return cli_library(sdcl_config_for(&params, o->for_device, print_key, &l));
}
