/* SPDX-License-Identifier: MIT */
/* Programs that do not build: said once, in nobody else's way, and built again for who asks again. */
#include "default_device.h"
#include "draw.h"
#include "scratch.h"
#include "st_edit.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

static const char COPY[] = "-DXT=F32 -DYT=F32 -DROWS=1";

typedef struct fixture {
    scratch tmp;
    char file[300];
} fixture;

/* Kernels in a folder, where one of them is broken. */
static void break_kernel(fixture *f, const char *kernel)
{
    assert_true(scratch_open(&f->tmp));
    shell("cp cl/* '%s'", f->tmp.folder);
    snprintf(f->file, sizeof f->file, "%s/%s.cl", f->tmp.folder, kernel);
    shell("echo 'this is no kernel' >> '%s'", f->file);
    setenv("SDCL_CL_DIR", f->tmp.folder, 1);
}

static void repair(const fixture *f) { shell("sed -i '$d' '%s'", f->file); }

static void clean(fixture *f)
{
    unsetenv("SDCL_CL_DIR");
    scratch_close(&f->tmp);
}

static void a_kernel_is_built_again(void **state)
{
    ocl *o = default_device_of(state);
    ocl_kernel *k = NULL, *other = NULL, *again = NULL;
    fixture f;
    break_kernel(&f, "scale_repeat");
    assert_int_equal(ocl_kernel_get(o, &k, "scale_repeat", COPY), 0);
    assert_int_equal(ocl_kernel_wait(o, k), SDCL_EDEVICE);
    assert_int_equal(ocl_kernel_wait(o, k), SDCL_EDEVICE);
    assert_int_equal(ocl_kernel_get(o, &other, "pack_rows", "-DT=uint -DBLOCK=64"), 0);
    assert_done(ocl_build_wait(o));
    repair(&f);
    assert_int_equal(ocl_kernel_get(o, &again, "scale_repeat", COPY), 0);
    assert_ptr_equal(again, k);
    assert_done(ocl_build_wait(o));
    assert_done(ocl_kernel_wait(o, k));
    clean(&f);
}

/* Two that fail are one failure: no later wait trips over the second. */
static void what_failed_together_is_said_once(void **state)
{
    ocl *o = default_device_of(state);
    ocl_kernel *a = NULL, *b = NULL;
    fixture f;
    break_kernel(&f, "image");
    assert_int_equal(ocl_kernel_get(o, &a, "image", "-DXT=F32"), 0);
    ocl_build_start(o);
    assert_int_equal(ocl_kernel_get(o, &b, "image", "-DXT=F16"), 0);
    assert_int_equal(ocl_build_wait(o), SDCL_EDEVICE);
    assert_done(ocl_build_wait(o));
    clean(&f);
}

static void a_session_recovers(void **state)
{
    static const uint64_t seed[] = {5};
    (void)state;
    sdcl_job j = small_job(seed, 1);
    drawing d, expected;
    fixture f;
    sdcl *s = session_of("tests/golden/tiny-b", NULL, NULL);
    draw(s, &j, &expected);
    sdcl_close(&s);
    break_kernel(&f, "scheduler");
    s = session_of("tests/golden/tiny-b", NULL, NULL);
    for (int i = 0; i < 2; i++) assert_refused(sdcl_generate(s, &j, NULL, NULL), SDCL_EDEVICE, "does not build");
    repair(&f);
    draw(s, &j, &d);
    assert_same_picture(&d, 0, &expected, 0);
    drawing_free(&d);
    drawing_free(&expected);
    sdcl_close(&s);
    clean(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_is_built_again),
        cmocka_unit_test(what_failed_together_is_said_once),
        cmocka_unit_test(a_session_recovers),
    };
    return cmocka_run_group_tests(tests, default_device_setup, default_device_teardown);
}
