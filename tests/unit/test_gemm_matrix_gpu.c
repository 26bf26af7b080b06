/* SPDX-License-Identifier: MIT */
/* GEMM by matrix instructions of GPUs: the whole kernel with each vendor's fragments, their instruction in plain C, compared with the reference on whatever
 * device there is; and what is offered where none of them works. */
#include "check/check.h"
#include "ops/gpu_matrix.h"
#include "own_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETS_MAX = 16 };

typedef struct rig {
    ocl_device *devices;
    config *values;
    ocl *o;
} rig;

/* set: null-terminated */
static void open_rig(rig *r, const char *const *set)
{
    int count = 0, index = 0, sets = 0;
    *r = (rig){0};
    while (set[sets]) sets++;
    assert_int_equal(ocl_device_list(&r->devices, &count), 0);
    assert_int_equal(ocl_device_choose(r->devices, count, NULL, &index), 0);
    if (config_open(&r->values, ops_sections, &r->devices[index].info, NULL, set, sets))
        fail_msg("%s", sdcl_last_error());
    if (ocl_open(&r->o, &r->devices[index], r->values, false)) fail_msg("%s", sdcl_last_error());
}

static void close_rig(rig *r)
{
    ocl_close(&r->o);
    config_close(&r->values);
    free(r->devices);
}

/* Cases of the op in f16, up to a negative one; the first asks for the probe. */
static void check_with(const char *engine, const int *cases, const char *const *tile)
{
    rig r;
    char forced[64];
    const char *set[SETS_MAX] = {"gemm.impl=matrix_gpu", forced};
    const check_op *const *op = check_ops;
    snprintf(forced, sizeof forced, "gemm_matrix_gpu.ENGINE=%s", engine);
    for (int i = 0; tile[i]; i++) set[2 + i] = tile[i];
    while (*op && strcmp((*op)->name, "gemm") != 0) op++;
    assert_non_null(*op);
    open_rig(&r, set);
    for (int i = 0; cases[i] >= 0; i++) {
        check_case c = {.op = "gemm", .index = cases[i], .dt = F16, .fill = (check_fill)(cases[i] % FILL_COUNT)};
        check_result result;
        check_run(r.o, *op, &c, 1, false, &result);
        if (!result.ok) fail_msg("%s, case %d: %s", engine, cases[i], result.why);
        assert_string_equal(result.impl, "matrix_gpu");
    }
    close_rig(&r);
}

#define CASES(...)                                                                                                     \
    (const int[]) { __VA_ARGS__, -1 }
#define TILE(bm, bn, bk, fm, fn, vw, pada, padb, db)                                                                   \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        "gemm_matrix_gpu.BM=" #bm, "gemm_matrix_gpu.BN=" #bn, "gemm_matrix_gpu.BK=" #bk, "gemm_matrix_gpu.FM=" #fm,    \
            "gemm_matrix_gpu.FN=" #fn, "gemm_matrix_gpu.VW=" #vw, "gemm_matrix_gpu.PADA=" #pada,                       \
            "gemm_matrix_gpu.PADB=" #padb, "gemm_matrix_gpu.DB=" #db, NULL                                             \
    }

/* The cases: (2) across images, with row vector and SiLU, (5) in place with an odd K, (7) GEGLU at odd sizes, (10) normalised, (12) many groups. */
static void every_layout(void **state)
{
    (void)state;
    check_with("plain_mma", CASES(2, 7, 10), TILE(64, 64, 32, 2, 4, 8, 4, 8, 1));
    check_with("plain_wmma", CASES(7), TILE(32, 64, 32, 1, 2, 4, 4, 8, 1));
    check_with("plain_mfma", CASES(5), TILE(32, 32, 32, 1, 2, 2, 8, 8, 1));
    check_with("plain_dpas8", CASES(7), TILE(32, 32, 16, 1, 2, 2, 0, 0, 2));
    check_with("plain_dpas16", CASES(12), TILE(32, 64, 32, 2, 2, 4, 8, 16, 1));
}

/* What does not compile is not taken, and leaves the session in order; nor is a kernel that computes wrongly. */
static void what_is_not_proved_is_not_taken(void **state)
{
    (void)state;
    rig r;
    const char *const plain[] = {"gemm_matrix_gpu.ENGINE=plain_mma", NULL};
    open_rig(&r, plain);
    gpu_engine offered = gpu_engine_offered(ocl_device_of(r.o));
    if (offered != GPU_WMMA) assert_false(gpu_engine_works(r.o, GPU_WMMA));
    if (offered != GPU_DPAS8) assert_false(gpu_engine_works(r.o, GPU_DPAS8));
    assert_false(gpu_engine_works(r.o, GPU_NONE));
    assert_true(gpu_engine_works(r.o, GPU_PLAIN_MMA));
    assert_false(gpu_engine_pays(r.o, GPU_PLAIN_MMA));
    assert_int_equal(ocl_build_wait(r.o), 0);
    close_rig(&r);
    assert_int_equal(setenv("SDCL_MISCOMPILE", "gemm_matrix_gpu", 1), 0);
    open_rig(&r, plain);
    assert_false(gpu_engine_works(r.o, GPU_PLAIN_MMA));
    close_rig(&r);
    unsetenv("SDCL_MISCOMPILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout),
        cmocka_unit_test(what_is_not_proved_is_not_taken),
    };
    return cmocka_run_group_tests(tests, own_cache_open, own_cache_close);
}
