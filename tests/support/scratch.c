/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

bool scratch_open(scratch *s)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(s->folder, sizeof s->folder, "%s/sdcl-test-XXXXXX", base && *base ? base : "/tmp");
    if (n > 0 && n < (int)sizeof s->folder && mkdtemp(s->folder)) return true;
    s->folder[0] = 0;
    return false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *level)
{
    (void)st, (void)type, (void)level;
    return remove(path);
}

void scratch_close(scratch *s)
{
    if (s->folder[0]) nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    s->folder[0] = 0;
}
