/* SPDX-License-Identifier: MIT */
/* Reduced precision: 20 deterministic steps of the pocket model in f16 against diffusers in float32. */
#include "compare.h"
#include "draw.h"
#include "golden_draw.h"

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
    double psnr = golden_draw(session, golden_find(&golden, name), "f16", "image.npy", compare_psnr);
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
