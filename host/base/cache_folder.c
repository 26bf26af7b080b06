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

char *cache_folder(void)
{
    strbuf path = {0};
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (base && *base == '/') strbuf_puts(&path, base);
    else if (home && *home == '/') strbuf_printf(&path, "%s/.cache", home);
    else return NULL;
    mkdir(strbuf_text(&path), S_IRWXU);
    strbuf_puts(&path, "/sdcl");
    mkdir(strbuf_text(&path), S_IRWXU);
    if (!path.failed && is_private(path.s)) return path.s;
    strbuf_free(&path);
    return NULL;
}
