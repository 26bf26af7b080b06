/* SPDX-License-Identifier: MIT */
/* Reduced precision: 20 deterministic steps of the pocket model in f16 and bf16 against diffusers in float32. */
#include "compare.h"
#include "draw.h"
#include "golden_draw.h"

#include <string.h>

typedef struct precision {
    const char *name;
    double psnr_min;
    const char *set[3];
    double eps_max; /* NMSE of the first prediction; 0: not looked at */
} precision;

/* Convolutions of so small a model are direct, in f32, unless they are asked for. */
static const precision half = {"f16", 40, {NULL}, 0}, bf16 = {"bf16", 30, {NULL}, 0},
                       bf16_plain = {"bf16", 30, {"gemm.matrix=plain"}, 0},
                       bf16_tiles = {"bf16", 30, {"gemm.matrix=amx_plain", "conv3x3.impl=matrix"}, 3e-4};

static golden_list golden;

static int open_golden(void **state)
{
    (void)state;
    golden_open(&golden);
    return 0;
}

static int close_golden(void **state)
{
    (void)state;
    golden_close(&golden);
    return 0;
}

static void is_near(const precision *x, const char *name)
{
    sdcl *session;
    sdcl_params p;
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.precision = x->name;
    p.set = x->set;
    while (p.set_count < 3 && x->set[p.set_count]) p.set_count++;
    int err = sdcl_open(&session, &p);
    if (err == SDCL_EUSAGE && x == &bf16) skip(); /* no instructions for it, or none that pay */
    assert_int_equal(err, 0);
    double psnr = golden_draw(session, golden_find(&golden, name), x->name, "image.npy", compare_psnr), eps = 0;
    if (x->eps_max > 0) eps = golden_draw(session, golden_find(&golden, name), x->name, "eps_000.npy", compare_nmse);
    sdcl_close(&session);
    print_message("%s in %s: %.1f dB\n", name, x->name, psnr);
    if (!(psnr >= x->psnr_min)) fail_msg("%s in %s: %.1f dB, at least %.0f expected", name, x->name, psnr, x->psnr_min);
    if (!(eps <= x->eps_max)) fail_msg("%s in %s: NMSE %.1e, at most %.0e expected", name, x->name, eps, x->eps_max);
}

static void ddim_in_half(void **state)
{
    (void)state;
    is_near(&half, "apple");
}

static void dpmpp_2m_karras_in_half(void **state)
{
    (void)state;
    is_near(&half, "owl");
}

static void ddim_in_bf16(void **state)
{
    (void)state;
    is_near(&bf16, "apple");
}

static void dpmpp_2m_karras_in_bf16(void **state)
{
    (void)state;
    is_near(&bf16, "owl");
}

/* The same operands without the instructions: on every CPU. */
static void ddim_in_bf16_emulated(void **state)
{
    (void)state;
    is_near(&bf16_plain, "apple");
}

static void ddim_in_bf16_by_tiles(void **state)
{
    (void)state;
    is_near(&bf16_tiles, "apple");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ddim_in_half),          cmocka_unit_test(dpmpp_2m_karras_in_half),
        cmocka_unit_test(ddim_in_bf16),          cmocka_unit_test(dpmpp_2m_karras_in_bf16),
        cmocka_unit_test(ddim_in_bf16_emulated), cmocka_unit_test(ddim_in_bf16_by_tiles),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
