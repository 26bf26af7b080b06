/* SPDX-License-Identifier: MIT */
/* Sections, shipped files and a scratch file for the tests of the INI overlay: test_ini.c, test_ini_refused.c. Each uses a part of it. */
#ifndef SDCL_TESTS_INI_FIXTURE_H
#define SDCL_TESTS_INI_FIXTURE_H

#include "ocl/config.h"
#include "ocl/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

#define MM_TUNE(P)                                                                                                     \
    P(MR, 8, "4 6 8 12", "rows")                                                                                       \
    P(NV, 3, "1 2 3 4", "vectors")                                                                                     \
    P(KC, 128, "64 128 256", "depth")
OCL_KERNEL(mm_cpu, MM_TUNE)

static const ocl_tunable mm_tunables[] = {{"impl", 0, "auto cpu gpu", "implementation"}};
static const ocl_section mm_section = {"mm", mm_tunables, 1, 0, NULL};
static const ocl_tunable device_tunables[] = {{"binary_cache", 0, "auto on off", "own cache of binaries"}};
static const ocl_section device_section = {"device", device_tunables, 1, 0, NULL};

static const ocl_section *const sections[] = {&mm_section, &mm_cpu_kernel, &device_section, NULL};
static const ocl_section *const without_device[] = {&mm_section, &mm_cpu_kernel, NULL};

/* What the library would have embedded; the linker takes this one. */
#define FILE_ROW(name, text)                                                                                           \
    {                                                                                                                  \
        name, text, sizeof(text) - 1                                                                                   \
    }
const embedded_file embedded_configs[] = {
    FILE_ROW("amd.ini", "[mm_cpu]\nMR = 12\n"),
    FILE_ROW("arc.ini", "[device]\nmatch = Intel(R) Arc(TM)*\n[mm_cpu]\nKC = 64\n"),
    FILE_ROW("card.ini", "[device]\nmatch = Card 480*\n[mm_cpu]\nKC = 256\n"),
    FILE_ROW("cards.ini", "[device]\nmatch = Card 4[6-8][0-9]*\n[mm_cpu]\nKC = 64\n"),
    FILE_ROW("cpu.ini", "; everything\n[mm_cpu]\nMR = 6\n\n[mm_cpu.f16]\nNV = 2\n"),
    FILE_ROW("epyc.ini", "[device]\nmatch = *EPYC*\n[mm_cpu]\nKC = 256\n"),
    FILE_ROW("gpu.ini", "[mm]\nimpl = gpu\n[mm_cpu]\nMR = 4\n"),
    FILE_ROW("h100.ini", "[device]\nmatch = A100* | NVIDIA H100*\n[mm_cpu]\nNV = 4\nKC = 256\n"),
    FILE_ROW("hopper.ini", "[device]\nmatch = H*\nbinary_cache = off\n[mm_cpu]\nNV = 1\n"),
    FILE_ROW("nvidia.ini", "[mm_cpu]\nMR = 8\nNV = 2\n"),
    FILE_ROW("twice.ini", "[device]\nmatch = Twice\nmatch = Again\n[mm_cpu]\nKC = 256\n"),
    FILE_ROW("wrong.ini", "[device]\nmatch = Wrong\n[mm_cpu]\nMR = 7\n"),
    {NULL, NULL, 0},
};

static char folder[256], path[300];

static int setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/sdcl-ini-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/my.ini", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static sdcl_device device_of(const char *type, const char *vendor, const char *name)
{
    sdcl_device d = {0};
    snprintf(d.type, sizeof d.type, "%s", type);
    snprintf(d.vendor, sizeof d.vendor, "%s", vendor);
    snprintf(d.name, sizeof d.name, "%s", name);
    return d;
}

/* --- good configurations --- */

typedef struct listing {
    char text[4096];
} listing;

static void list(void *user, const char *section, const char *key, const char *value, const char *origin)
{
    listing *l = user;
    const char *slash = strrchr(origin, '/');
    size_t n = strlen(l->text);
    bool mine = !strncmp(origin, folder, strlen(folder));
    snprintf(l->text + n, sizeof l->text - n, "%s.%s=%s %s\n", section, key, value, mine ? slash + 1 : origin);
}

static struct mm_cpu_tune tune(const config *c, const char *precision)
{
    struct mm_cpu_tune t;
    config_values(c, &mm_cpu_kernel, precision, OCL_ALL_SHAPES, &t.MR);
    return t;
}

static void write_file(const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static config *open_ok(const sdcl_device *device, const char *text, const char *const *set, int set_count)
{
    config *c = NULL;
    if (text) write_file(text, strlen(text));
    int err = config_open(&c, sections, device, text ? path : NULL, set, set_count);
    if (err) fail_msg("%s", sdcl_last_error());
    assert_non_null(c);
    return c;
}

#endif
