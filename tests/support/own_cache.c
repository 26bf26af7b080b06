/* SPDX-License-Identifier: MIT */
#include "own_cache.h"

#include "scratch.h"

#include <stdlib.h>

static scratch cache;

int own_cache_open(void **state)
{
    (void)state;
    return scratch_open(&cache) ? setenv("XDG_CACHE_HOME", cache.folder, 1) : -1;
}

int own_cache_close(void **state)
{
    (void)state;
    scratch_close(&cache);
    return 0;
}

const char *own_cache(void) { return cache.folder; }
