/* SPDX-License-Identifier: MIT */
#include "golden_draw.h"

#include "draw.h"
#include "npy.h"
#include "scratch.h"

#include <stdio.h>

static void read_tensor(npy *a, const char *folder, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    assert_true(npy_read(a, path));
}

double golden_draw(sdcl *s, const golden_case *c, const char *precision, const char *file,
                   double (*measure)(const float *, const float *, size_t))
{
    npy got, want;
    scratch dump;
    drawing d;
    assert_non_null(c);
    sdcl_job j = c->job;
    assert_true(scratch_open(&dump));
    j.dump = dump.folder;
    draw(s, &j, &d);
    assert_string_equal(d.precision, precision);
    drawing_free(&d);
    read_tensor(&got, dump.folder, file);
    read_tensor(&want, c->folder, file);
    scratch_close(&dump);
    assert_true(npy_alike(&got, &want));
    double value = measure(got.f32, want.f32, want.count);
    npy_free(&got);
    npy_free(&want);
    return value;
}
