/* SPDX-License-Identifier: MIT */
/* The GPU kernels off their default tunables, and enqueued in pieces, compared with the references on whatever device there is. */
#include "check/check.h"
#include "default_device.h"
#include "ops/winograd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of every op: ragged, several work-groups. Each is compiled anew, which takes seconds. */
enum { CASE_FIRST = 2, CASE_END = 4 };

static const check_op *op_named(const char *name)
{
    for (const check_op *const *op = check_ops; *op; op++)
        if (!strcmp((*op)->name, name)) return *op;
    fail_msg("no op %s", name);
    return NULL;
}

/* Cases [first, end). set: null-terminated. A launch of more than `flops` is split. */
static void check_cases_with(const char *name, int first, int end, const char *const *set, double flops)
{
    const check_op *op = op_named(name);
    config *values = NULL;
    ocl *o = NULL;
    assert_true(op->cases >= end);
    if (default_device_open(&values, &o, NULL, set)) fail_msg("%s", sdcl_last_error());
    if (flops > 0) ocl_limit_launch(o, flops);
    for (int i = first; i < end; i++) {
        check_case c = {.op = op->name, .index = i, .dt = i % 2 ? F32 : F16, .fill = (check_fill)(i % FILL_COUNT)};
        check_result r;
        check_run(o, op, &c, 1, false, &r);
        if (!r.ok) fail_msg("%s case %d: %s", name, i, r.why);
    }
    ocl_close(&o);
    config_close(&values);
}

#define CHECK_CASES(name, first, end, flops, ...)                                                                      \
    check_cases_with(name, first, end, (const char *const[]){__VA_ARGS__, NULL}, flops)
#define CHECK(name, flops, ...) CHECK_CASES(name, CASE_FIRST, CASE_END, flops, __VA_ARGS__)
#define TILE(kernel, bm, bn, bk, tm, tn, vw, lv, pad, db)                                                              \
    kernel ".BM=" #bm, kernel ".BN=" #bn, kernel ".BK=" #bk, kernel ".TM=" #tm, kernel ".TN=" #tn, kernel ".VW=" #vw,  \
        kernel ".LV=" #lv, kernel ".PAD=" #pad, kernel ".DB=" #db

static void launches_in_pieces(void **state)
{
    (void)state;
    CHECK("gemm", 1e4, "gemm.impl=gpu", "gemm_gpu.BM=16", "gemm_gpu.BN=16");
    CHECK("conv3x3", 1e4, "conv3x3.impl=gpu", "conv3x3_gpu.BM=16", "conv3x3_gpu.BN=16");
    CHECK("conv3x3", 1e4, "conv3x3.impl=winograd_gpu", "winograd_gpu.BM=16", "winograd_gpu.BN=16");
    CHECK("attention", 1e4, "attention.impl=flash_gpu", "attention_gpu.BQ=16");
}

static void scalar_loads_and_two_buffers(void **state)
{
    (void)state;
    CHECK("gemm", 0, "gemm.impl=gpu", TILE("gemm_gpu", 16, 16, 8, 1, 2, 1, 1, 0, 2));
    CHECK("conv3x3", 0, "conv3x3.impl=gpu", TILE("conv3x3_gpu", 16, 16, 8, 1, 2, 1, 1, 0, 2));
    CHECK("conv3x3", 0, "conv3x3.impl=winograd_gpu", TILE("winograd_gpu", 16, 16, 8, 1, 2, 1, 1, 0, 2));
    CHECK("attention", 0, "attention.impl=flash_gpu", "attention_gpu.VW=1", "attention_gpu.KEEP=0",
          "attention_gpu.TQ=1", "attention_gpu.BQ=16", "attention_gpu.PAD=0");
}

/* With a megabyte each for transformed input, weights and products, 64 tiles and four panels of the last case are two chunks either way. */
static void winograd_in_chunks(void **state)
{
    (void)state;
    int last = op_named("conv3x3")->cases - 1;
    CHECK_CASES("conv3x3", last, last + 1, 0, "conv3x3.impl=winograd_gpu", "conv3x3.winograd_mb=1",
                "winograd_gpu.BM=16");
}

/* Moments of a group of channels are merged by a group of items: fewer than there are, as many, more; of images in pieces too. */
static void groupnorm_by_groups(void **state)
{
    (void)state;
    int cases = op_named("groupnorm")->cases;
    CHECK_CASES("groupnorm", 0, cases, 0, "groupnorm_finish.WG=16", "groupnorm.whole=0", "groupnorm_partial.ROWS=16");
    CHECK_CASES("groupnorm", 0, cases, 0, "groupnorm_finish.WG=256", "groupnorm.whole=0", "groupnorm_partial.ROWS=64");
}

/* F(6x6) where it saves products, F(4x4) where it does not: one case each. */
static void winograd_in_tiles_of_six(void **state)
{
    (void)state;
    assert_int_equal(winograd_tiles_of((tensor){.h = 6, .w = 5}, 6).side, 6);
    assert_int_equal(winograd_tiles_of((tensor){.h = 9, .w = 7}, 6).side, 4);
    assert_int_equal(winograd_tiles_of((tensor){.h = 9, .w = 7}, 2).side, 2);
    winograd_tiles t = winograd_tiles_of((tensor){.h = 64, .w = 62}, 6);
    assert_int_equal(t.points, 64);
    assert_int_equal(t.th, 11);
    assert_int_equal(t.tw, 11);
    CHECK("conv3x3", 0, "conv3x3.impl=winograd_gpu", "winograd_input_gpu.TILE=6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launches_in_pieces),  cmocka_unit_test(scalar_loads_and_two_buffers),
        cmocka_unit_test(winograd_in_chunks),  cmocka_unit_test(winograd_in_tiles_of_six),
        cmocka_unit_test(groupnorm_by_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
