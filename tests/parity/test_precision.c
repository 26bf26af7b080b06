/* SPDX-License-Identifier: MIT */
/* Reduced precision: 20 deterministic steps of the pocket model in f16 and bf16 against diffusers in float32. */
#include "compare.h"
#include "draw.h"
#include "golden_draw.h"

#include <string.h>

typedef struct precision {
    const char *name, *set;
    double psnr_min;
} precision;

static const precision half = {"f16", NULL, 40}, bf16 = {"bf16", NULL, 30},
                       bf16_plain = {"bf16", "gemm.matrix=plain", 30},
                       bf16_tiles = {"bf16", "gemm.matrix=amx_plain", 30};

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
    const char *sets[] = {x->set};
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.precision = x->name;
    p.set = sets;
    p.set_count = x->set ? 1 : 0;
    int err = sdcl_open(&session, &p);
    if (err == SDCL_EUSAGE && x == &bf16) skip(); /* no instructions for it, or none that pay */
    assert_int_equal(err, 0);
    double psnr = golden_draw(session, golden_find(&golden, name), x->name, "image.npy", compare_psnr);
    sdcl_close(&session);
    print_message("%s in %s: %.1f dB\n", name, x->name, psnr);
    if (!(psnr >= x->psnr_min)) fail_msg("%s in %s: %.1f dB, at least %.0f expected", name, x->name, psnr, x->psnr_min);
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
