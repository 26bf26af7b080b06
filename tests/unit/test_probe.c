/* SPDX-License-Identifier: MIT */
/* What is tried out on a device: arithmetic in half is taken only where it is offered and proved, and what a configuration asks for and the device lacks is an
 * error, or falls back. On a device that has it (make check-intel) the kernels that use it are compared with the references. */
#include "check/check.h"
#include "default_device.h"
#include "ocl/answers.h"
#include "ocl/probe.h"
#include "ops/gpu_matrix.h"
#include "ops/half_probe.h"
#include "ops/subgroup.h"
#include "ops/x86_matrix.h"
#include "own_cache.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void open_with(config **values, ocl **o, const char *const *set)
{
    if (default_device_open(values, o, NULL, set)) fail_msg("%s", sdcl_last_error());
}

static void close_both(config **values, ocl **o)
{
    ocl_close(o);
    config_close(values);
}

/* In f16. */
static check_result run_case(ocl *o, const char *name, int index, check_fill fill)
{
    const check_op *const *op = check_ops;
    check_case c = {.op = name, .index = index, .dt = F16, .fill = fill};
    check_result r;
    while (*op && strcmp((*op)->name, name) != 0) op++;
    assert_non_null(*op);
    check_run(o, *op, &c, 1, false, &r);
    return r;
}

static int asked;

static int count_questions(ocl *o, int subject)
{
    (void)o;
    asked++;
    return subject;
}

static void a_question_is_asked_once(void **state)
{
    (void)state;
    config *values = NULL;
    ocl *o = NULL;
    open_with(&values, &o, NULL);
    asked = 0;
    for (int i = 0; i < 3; i++) assert_int_equal(ocl_probe_once(o, PROBE_GPU_WORKS, 0, count_questions), 0);
    assert_int_equal(ocl_probe_once(o, PROBE_GPU_WORKS, 5, count_questions), 5);
    assert_int_equal(ocl_probe_once(o, PROBE_GPU_SPEED, 0, count_questions), 0);
    assert_int_equal(asked, 3);
    close_both(&values, &o);
}

static void halves_are_proved(void **state)
{
    (void)state;
    config *values = NULL;
    ocl *o = NULL;
    int multiple = 0;
    open_with(&values, &o, NULL);
    assert_true(half_storage_works(o, &multiple));
    if (!half_arithmetic_offered(ocl_device_of(o))) assert_false(half_arithmetic_works(o));
    close_both(&values, &o);
    assert_int_equal(setenv("SDCL_MISCOMPILE", "probe", 1), 0);
    open_with(&values, &o, NULL);
    assert_false(half_arithmetic_works(o));
    close_both(&values, &o);
    unsetenv("SDCL_MISCOMPILE");
}

/* The products of halves in half, or in float where the device does not prove that it can: right in both cases. */
static void products_in_half(void **state)
{
    (void)state;
    static const char *const gpu[] = {"gemm.impl=gpu", "conv3x3.impl=gpu", "gemm_gpu.MATH=f16", "conv3x3_gpu.MATH=f16",
                                      NULL};
    config *values = NULL;
    ocl *o = NULL;
    open_with(&values, &o, gpu);
    check_result gemm = run_case(o, "gemm", 12, FILL_UNIFORM), conv = run_case(o, "conv3x3", 3, FILL_UNIFORM);
    check_result tiny = run_case(o, "gemm", 2, FILL_TINY);
    if (!gemm.ok) fail_msg("%s", gemm.why);
    if (!conv.ok) fail_msg("%s", conv.why);
    bool half = half_arithmetic_works(o);
    assert_int_equal(tiny.ok, !half);
    assert_int_equal(tiny.unfit, half);
    close_both(&values, &o);
}

static void clblast_in_half(void **state)
{
    (void)state;
    static const char *const set[] = {"gemm.impl=clblast", "gemm_clblast.MATH=f16", NULL};
    config *values = NULL;
    ocl *o = NULL;
    open_with(&values, &o, set);
    bool half = ocl_device_of(o)->info.has_fp16 && half_arithmetic_works(o);
    check_result r = run_case(o, "gemm", 8, FILL_UNIFORM);
    assert_int_equal(r.ok, half);
    assert_int_equal(r.unfit, !half);
    if (!half) assert_non_null(strstr(r.why, "MATH = f16, but"));
    close_both(&values, &o);
}

/* On devices without, nothing is offered; what is does what the kernels assume, both ways where there are two; and a wrong one is found out. */
static void exchange_in_subgroups(void **state)
{
    (void)state;
    config *values = NULL;
    ocl *o = NULL;
    open_with(&values, &o, NULL);
    const ocl_device *d = ocl_device_of(o);
    for (int lanes = 4; lanes <= 32; lanes *= 2) {
        subgroup s = subgroup_offered(d, lanes);
        if (!d->info.has_subgroups) assert_true(s.how == EXCHANGE_NONE || s.how >= EXCHANGE_AMD);
        if (s.how == EXCHANGE_NONE) {
            assert_int_equal(subgroup_proved(o, lanes, 64).how, EXCHANGE_NONE);
            continue;
        }
        assert_int_equal(s.lanes, lanes);
        assert_true(s.width >= lanes);
        assert_true(subgroup_works(o, s));
        assert_int_equal(subgroup_proved(o, lanes, s.width).how, s.how);
        assert_int_equal(subgroup_proved(o, lanes, s.width + lanes / 2).how, EXCHANGE_NONE);
        if (s.how == EXCHANGE_INTEL && ocl_device_lists(d, "cl_khr_subgroup_shuffle"))
            assert_true(subgroup_works(o, (subgroup){EXCHANGE_KHR, s.width, lanes}));
        printf("# segments of %d in sub-groups of %d, exchange %d\n", lanes, s.width, (int)s.how);
        assert_int_equal(setenv("SDCL_MISCOMPILE", "subgroup_probe", 1), 0);
        assert_false(subgroup_works(o, s));
        unsetenv("SDCL_MISCOMPILE");
    }
    close_both(&values, &o);
}

/* Right with and without; where sub-groups are proved, the kernels are those that use them. */
static void reductions_in_subgroups(void **state)
{
    (void)state;
    static const char *const sets[][10] = {
        {"layernorm.WG=16", "layernorm.REDUCE=subgroup", "softmax_rows.WG=32", "softmax_rows.REDUCE=subgroup",
         "attention.impl=sliced", "groupnorm_finish.WG=16", "groupnorm_finish.REDUCE=subgroup", "groupnorm.whole=0",
         NULL},
        {"layernorm.WG=64", "layernorm.REDUCE=subgroup", "attention.impl=flash_gpu", "attention_gpu.REDUCE=subgroup",
         "attention_gpu.SHARE=8", "groupnorm_finish.WG=64", "groupnorm_finish.REDUCE=subgroup", "groupnorm.whole=0",
         NULL},
        {"attention.impl=flash_gpu", "attention_gpu.REDUCE=subgroup", "attention_gpu.SHARE=4", "attention_gpu.BQ=16",
         NULL},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        config *values = NULL;
        ocl *o = NULL;
        open_with(&values, &o, sets[i]);
        for (int index = 2; index < 6; index += 3)
            for (int fill = 0; fill < FILL_COUNT; fill++) {
                check_result attention = run_case(o, "attention", index, (check_fill)fill),
                             layernorm = run_case(o, "layernorm", index / 2, (check_fill)fill),
                             groupnorm = run_case(o, "groupnorm", index, (check_fill)fill);
                if (!attention.ok) fail_msg("set %zu, attention %d: %s", i, index, attention.why);
                if (!layernorm.ok) fail_msg("set %zu, layernorm %d: %s", i, index, layernorm.why);
                if (!groupnorm.ok) fail_msg("set %zu, groupnorm %d: %s", i, index, groupnorm.why);
            }
        bool offered = subgroup_offered(ocl_device_of(o), 8).how != EXCHANGE_NONE;
        close_both(&values, &o);
        if (!offered) break; /* it fell back: once is enough */
    }
}

static void an_engine_that_is_not_there(void **state)
{
    (void)state;
    static const char *const set[] = {"gemm.impl=matrix_gpu", NULL};
    config *values = NULL;
    ocl *o = NULL;
    open_with(&values, &o, set);
    if (gpu_engine_offered(ocl_device_of(o)) == GPU_NONE) {
        check_result r = run_case(o, "gemm", 2, FILL_UNIFORM);
        assert_true(r.unfit);
        assert_non_null(strstr(r.why, "needs matrix instructions"));
    }
    close_both(&values, &o);
}

/* The engine of a shape, whatever the others have; the measured one where nothing is said. */
static void an_engine_of_a_shape(void **state)
{
    (void)state;
    scratch s;
    char path[300];
    config *values = NULL;
    ocl *o = NULL;
    assert_true(scratch_open(&s));
    snprintf(path, sizeof path, "%s/my.ini", s.folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("[gemm]\nmatrix = amx\n[gemm.bf16]\nmatrix = auto\n[gemm.bf16 M=64 N=64 K=64]\nmatrix = plain\n"
          "[gemm.bf16 M=4096 N=64 K=64]\nmatrix = auto\n",
          f);
    assert_int_equal(fclose(f), 0);
    if (default_device_open(&values, &o, path, NULL)) fail_msg("%s", sdcl_last_error());
    bool cpu = x86_matrix_offered(ocl_device_of(o), X86_PLAIN);
    assert_int_equal(x86_matrix_engine(o, (ocl_shape){80, 64, 64}), cpu ? X86_PLAIN : X86_NONE);
    assert_int_equal(x86_matrix_engine(o, (ocl_shape){4000, 64, 64}), x86_matrix_best(o));
    assert_int_equal(x86_matrix_engine(o, OCL_ALL_SHAPES), x86_matrix_best(o));
    close_both(&values, &o);
    scratch_close(&s);
}

/* AMX in plain C passes the trial that AMX would have to; a kernel that computes wrongly does not, and the op takes another. */
static void tiles_are_proved(void **state)
{
    (void)state;
    static const char *const set[] = {"gemm.matrix=amx_plain", NULL};
    for (int broken = 0; broken < 2; broken++) {
        config *values = NULL;
        ocl *o = NULL;
        if (broken) assert_int_equal(setenv("SDCL_MISCOMPILE", "gemm_matrix_cpu", 1), 0);
        open_with(&values, &o, set);
        if (ocl_device_of(o)->cpu) {
            assert_int_equal(x86_matrix_engine(o, OCL_ALL_SHAPES), broken ? X86_NONE : X86_AMX_PLAIN);
        }
        close_both(&values, &o);
    }
    unsetenv("SDCL_MISCOMPILE");
}

static x86_engine winner(void)
{
    config *values = NULL;
    ocl *o = NULL;
    open_with(&values, &o, NULL);
    answers_forget(ocl_device_of(o));
    x86_engine best = x86_matrix_best(o);
    close_both(&values, &o);
    return best;
}

/* Whatever else runs meanwhile, and with nothing kept: a picture depends on it. Another program can disturb a race for longer than it lasts: three series are
 * run before it is the race that is to blame. */
static void the_same_engine_every_time(void **state)
{
    enum { SERIES = 3, RACES = 5 };
    (void)state;
    for (int series = 0; series < SERIES; series++) {
        x86_engine first = winner();
        int same = 1;
        while (same < RACES && winner() == first) same++;
        if (same == RACES) return;
    }
    fail_msg("an engine that won one race lost the next, in each of %d series", SERIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_asked_once),
        cmocka_unit_test(halves_are_proved),
        cmocka_unit_test(products_in_half),
        cmocka_unit_test(clblast_in_half),
        cmocka_unit_test(exchange_in_subgroups),
        cmocka_unit_test(reductions_in_subgroups),
        cmocka_unit_test(an_engine_that_is_not_there),
        cmocka_unit_test(an_engine_of_a_shape),
        cmocka_unit_test(the_same_engine_every_time),
        cmocka_unit_test(tiles_are_proved),
    };
    return cmocka_run_group_tests(tests, own_cache_open, own_cache_close);
}
