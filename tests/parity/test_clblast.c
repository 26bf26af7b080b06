/* SPDX-License-Identifier: MIT */
/* Every GEMM by CLBlast: whole pictures of the pocket model against diffusers', on both of the library's paths, and parameter sets that it must never see. */
#include "compare.h"
#include "draw.h"
#include "golden_draw.h"

#include <string.h>

enum { SETS_MAX = 24 };

static const double PSNR_MIN = 85;

static int open_with(sdcl **session, const char *const *set, int count)
{
    sdcl_params p;
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.precision = "f32";
    p.set = set;
    p.set_count = count;
    return sdcl_open(session, &p);
}

static void agrees(const char *const *set, int count)
{
    golden_list golden;
    sdcl *session = NULL;
    golden_open(&golden);
    assert_int_equal(open_with(&session, set, count), 0);
    double psnr = golden_draw(session, golden_find(&golden, "apple"), "f32", "image.npy", compare_psnr);
    sdcl_close(&session);
    golden_close(&golden);
    if (!(psnr >= PSNR_MIN)) fail_msg("%.1f dB, %.0f are needed", psnr, PSNR_MIN);
}

static const char *const plain[] = {"gemm.impl=clblast"};
static const char *const padded[] = {"gemm.impl=clblast", "clblast_gemm_routine.XGEMM_MIN_INDIRECT_SIZE=0"};

static const char *const sliced[] = {"gemm.impl=clblast", "attention.impl=sliced"};

static void test_own_parameters(void **state)
{
    (void)state;
    agrees(plain, 1);
}

static void test_large_kernel(void **state)
{
    (void)state;
    agrees(padded, 2);
}

/* The two products of sliced attention are its too. */
static void test_attention(void **state)
{
    (void)state;
    agrees(sliced, 2);
}

/* The library cannot forget a set, and a picture must not depend on what was drawn before. */
static void test_no_way_back(void **state)
{
    (void)state;
    sdcl *session = NULL;
    sdcl_memory m;
    sdcl_job j;
    uint64_t seed = 1;
    assert_int_equal(open_with(&session, plain, 1), 0);
    sdcl_job_init(&j);
    j.prompt = "x";
    j.seeds = &seed;
    j.count = 1;
    assert_int_equal(sdcl_dry_run(session, &j, &m), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "clblast_gemm_routine"));
    sdcl_close(&session);
}

/* A complete set of Xgemm, with up to two values changed. */
static int xgemm(const char *first, const char *second)
{
    static const char *const good[] = {
        "clblast_xgemm.GEMMK=0", "clblast_xgemm.MWG=64",  "clblast_xgemm.NWG=64",  "clblast_xgemm.KWG=32",
        "clblast_xgemm.MDIMC=8", "clblast_xgemm.NDIMC=8", "clblast_xgemm.MDIMA=8", "clblast_xgemm.NDIMB=8",
        "clblast_xgemm.KWI=2",   "clblast_xgemm.VWM=4",   "clblast_xgemm.VWN=4",   "clblast_xgemm.STRM=0",
        "clblast_xgemm.STRN=0",  "clblast_xgemm.SA=1",    "clblast_xgemm.SB=1",    "clblast_xgemm.KREG=1"};
    const char *set[SETS_MAX];
    int n = sizeof good / sizeof *good;
    sdcl *session = NULL;
    memcpy(set, good, sizeof good);
    if (first) set[n++] = first;
    if (second) set[n++] = second;
    int err = open_with(&session, set, n);
    sdcl_close(&session);
    return err;
}

static void refused(const char *first, const char *second, const char *rule)
{
    assert_int_equal(xgemm(first, second), SDCL_EUSAGE);
    if (!strstr(sdcl_last_error(), rule)) fail_msg("'%s' does not say '%s'", sdcl_last_error(), rule);
}

static void test_sets_that_break_rules(void **state)
{
    (void)state;
    assert_int_equal(xgemm(NULL, NULL), 0);
    refused("clblast_xgemm.MWG=24", NULL, "allowed");
    refused("clblast_xgemm.MWG=8", NULL, "MWG % (MDIMC * VWM) == 0");
    refused("clblast_xgemm.NWG=8", NULL, "NWG % (NDIMC * VWN) == 0");
    refused("clblast_xgemm.MDIMA=32", NULL, "MWG % (MDIMA * VWM) == 0");
    refused("clblast_xgemm.NDIMB=32", NULL, "NWG % (NDIMB * VWN) == 0");
    refused("clblast_xgemm.KWG=16", "clblast_xgemm.KWI=32", "KWG % KWI == 0");
    refused("clblast_xgemm.KWG=4", NULL, "KWG % (MDIMC * NDIMC / MDIMA) == 0");
    refused("clblast_xgemm.KREG=2", NULL, "KREG is 1");
    refused("clblast_xgemm.GEMMK=1", "clblast_xgemm.KREG=4", "with GEMMK 1");
    refused("clblast_xgemm.SA=auto", NULL, "but not SA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_that_break_rules),
        cmocka_unit_test(test_own_parameters),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_large_kernel),
        cmocka_unit_test(test_no_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
