/* SPDX-License-Identifier: MIT */
#include "pipeline/models.h"

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of a file, or NULL. Symbolic links are followed, so that a linked program finds its own tree. */
static char *folder_of(const char *file)
{
    char *path = realpath(file, NULL), *slash = path ? strrchr(path, '/') : NULL;
    if (slash) slash[slash == path] = 0;
    return path;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The pocket model seen from a folder that holds the program or the library. */
static char *pocket_near(const char *folder)
{
    static const char *const places[] = {"../models/pocket", "../share/sdcl/models/pocket", "../../models/pocket"};
    for (size_t i = 0; folder && i < sizeof places / sizeof *places; i++) {
        strbuf candidate = {0};
        strbuf_printf(&candidate, "%s/%s", folder, places[i]);
        char *found = !candidate.failed && is_folder(candidate.s) ? realpath(candidate.s, NULL) : NULL;
        strbuf_free(&candidate);
        if (found) return found;
    }
    return NULL;
}

int model_locate_pocket(char **path)
{
    char *program = folder_of("/proc/self/exe");
    *path = pocket_near(program);
    free(program);
    return *path ? 0 : FAIL(SDCL_EMODEL, "the pocket model is not beside the program");
}

int model_locate(char **path, const char *asked)
{
    const char *environment = getenv("SDCL_MODEL");
    if (!asked && environment && *environment) asked = environment;
    if (asked) {
        *path = strdup(asked);
        return *path ? 0 : FAIL(SDCL_ENOMEM, "out of memory");
    }
    if (!model_locate_pocket(path)) return 0;
    int err = FAIL(SDCL_EMODEL, "no model given, and the pocket model is not beside the program");
    error_hint("-m DIR|FILE, or set SDCL_MODEL");
    return err;
}
