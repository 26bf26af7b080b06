/* SPDX-License-Identifier: MIT */
#include "cli/message.h"
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
    if (l->origins) printf("%-10s = %-10s ; %s\n", key, value, origin);
    else printf("%s = %s\n", key, value);
}

int cli_config(const options *o)
{
    listing l = {.origins = o->show_origin};
    return cli_library(sdcl_config_for(&o->params, o->for_device, print_key, &l));
}
