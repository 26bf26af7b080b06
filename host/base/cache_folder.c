/* SPDX-License-Identifier: MIT */
#include "base/cache_folder.h"

#include "base/strbuf.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder in which nobody but this user can put or replace a file. */
static bool is_private(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Appends "/name" and makes the folder where that is asked for. */
static void descend(strbuf *path, const char *name, bool make)
{
    if (*name) strbuf_printf(path, "/%s", name);
    if (make) mkdir(strbuf_text(path), S_IRWXU);
}

/* $variable, else ~/first/second; in it sdcl/within. Empty names are skipped. */
static char *own_folder(const char *variable, const char *first, const char *second, const char *within, bool make)
{
    strbuf path = {0};
    const char *base = getenv(variable), *home = getenv("HOME");
    if (base && *base == '/') {
        strbuf_puts(&path, base);
        descend(&path, "", make);
    } else if (home && *home == '/') {
        strbuf_puts(&path, home);
        descend(&path, first, make);
        descend(&path, second, make);
    } else {
        return NULL;
    }
    descend(&path, "sdcl", make);
    descend(&path, within, make);
    if (!path.failed && is_private(path.s)) return path.s;
    strbuf_free(&path);
    return NULL;
}

char *cache_folder(void) { return own_folder("XDG_CACHE_HOME", ".cache", "", "", true); }

char *data_folder(const char *within, bool make)
{
    return own_folder("XDG_DATA_HOME", ".local", "share", within, make);
}
