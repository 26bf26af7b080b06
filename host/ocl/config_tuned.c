/* SPDX-License-Identifier: MIT */
/* The file that `tune` wrote for a device: $XDG_DATA_HOME/sdcl/tuned/<device>.ini. */
#include "base/cache_folder.h"
#include "base/error.h"
#include "ocl/config_internal.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *config_tuned_path(const sdcl_device *device, bool make)
{
    char word[128];
    strbuf path = {0};
    char *folder = data_folder("tuned", make);
    if (!folder) return NULL;
    config_device_word(word, sizeof word, device->name);
    strbuf_printf(&path, "%s/%s.ini", folder, word);
    free(folder);
    if (!path.failed) return path.s;
    strbuf_free(&path);
    return NULL;
}

/* ini_handler: the name in [tuned], which is at the top. */
static int on_device(void *user, const char *section, const char *key, const char *value)
{
    char *name = user;
    if (!strcmp(section, "tuned") && !strcmp(key, "device")) snprintf(name, 256, "%s", value);
    return 1;
}

int config_apply_tuned(config *c, const sdcl_device *device)
{
    char name[256] = "";
    c->tuned = config_tuned_path(device, false);
    if (!c->tuned || access(c->tuned, F_OK)) return 0;
    ini_parse(c->tuned, on_device, name);
    if (*name && !config_same_device(name, device->name)) return 0; /* another device of the same file name */
    c->is_tuned = true;
    int err = config_apply_file(c, c->tuned);
    if (err) error_hint("'sdcl tune' writes this file; without it the shipped values hold");
    return err;
}
