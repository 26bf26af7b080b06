/* SPDX-License-Identifier: MIT */
/* A cache folder of a test program's own, for as long as it runs: what other programs kept says nothing about it. Fixtures of a group of cmocka's. */
#ifndef SDCL_TESTS_OWN_CACHE_H
#define SDCL_TESTS_OWN_CACHE_H

int own_cache_open(void **state);
int own_cache_close(void **state);

/* $XDG_CACHE_HOME */
const char *own_cache(void);

#endif
