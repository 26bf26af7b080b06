/* SPDX-License-Identifier: MIT */
/* Reduced precision: 20 deterministic steps of the pocket model in f16 against diffusers in float32. */
#include "compare.h"
#include "draw.h"
#include "golden.h"
#include "npy.h"
#include "scratch.h"

#include <stdio.h>

enum { PATH_ROOM = 512 };

static const double PSNR_MIN = 40;

static golden_list golden;
static sdcl *session;

static int open_session(void **state)
{
    (void)state;
    sdcl_params p;
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.precision = "f16";
    golden_open(&golden);
    return sdcl_open(&session, &p);
}

static int close_session(void **state)
{
    (void)state;
    sdcl_close(&session);
    golden_close(&golden);
    return 0;
}

static void half_is_near(const char *name)
{
    const golden_case *c = golden_find(&golden, name);
    char path[PATH_ROOM];
    npy got, want;
    scratch dump;
    drawing d;
    assert_non_null(c);
    sdcl_job j = c->job;
    assert_true(scratch_open(&dump));
    j.dump = dump.folder;
    draw(session, &j, &d);
    assert_string_equal(d.precision, "f16");
    drawing_free(&d);
    snprintf(path, sizeof path, "%s/image.npy", dump.folder);
    assert_true(npy_read(&got, path));
    scratch_close(&dump);
    snprintf(path, sizeof path, "%s/image.npy", c->folder);
    assert_true(npy_read(&want, path));
    assert_true(npy_alike(&got, &want));
    double psnr = compare_psnr(got.f32, want.f32, want.count);
    npy_free(&got);
    npy_free(&want);
    print_message("%s: %.1f dB\n", name, psnr);
    if (!(psnr >= PSNR_MIN)) fail_msg("%s: %.1f dB, at least %.0f expected", name, psnr, PSNR_MIN);
}

static void ddim_in_half(void **state)
{
    (void)state;
    half_is_near("apple");
}

static void dpmpp_2m_karras_in_half(void **state)
{
    (void)state;
    half_is_near("owl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ddim_in_half),
        cmocka_unit_test(dpmpp_2m_karras_in_half),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
