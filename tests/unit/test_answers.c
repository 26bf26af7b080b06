/* SPDX-License-Identifier: MIT */
/* What processes find out about a device and keep: who may believe it, and when it is asked again. */
#include "default_device.h"
#include "ocl/answers.h"
#include "ocl/probe.h"
#include "ops/launch.h"
#include "ops/matmul.h"
#include "own_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ocl_device board(const char *driver)
{
    ocl_device *list = NULL, d;
    int count = 0;
    assert_int_equal(ocl_device_list(&list, &count), 0);
    d = list[0];
    free(list);
    if (driver) snprintf(d.info.driver, sizeof d.info.driver, "%s", driver);
    return d;
}

static void answers_of_a_majority(void **state)
{
    (void)state;
    ocl_device d = board(NULL);
    assert_int_equal(answer_known(&d, 1, 1), -1);
    answer_note(&d, 1, 7);
    answer_note(&d, 2, 5);
    assert_int_equal(answer_known(&d, 1, 1), 7);
    assert_int_equal(answer_known(&d, 2, 1), 5);
    assert_int_equal(answer_known(&d, 1, 2), -1);
    answer_note(&d, 1, 3); /* a tie */
    assert_int_equal(answer_known(&d, 1, 1), -1);
    answer_note(&d, 1, 3);
    assert_int_equal(answer_known(&d, 1, 1), 3);
    assert_int_equal(answer_known(&d, 1, 2), -1);
    answer_note(&d, 1, 3);
    assert_int_equal(answer_known(&d, 1, 2), 3);
    assert_int_equal(answer_known(&d, 3, 1), -1);
}

static void another_driver_is_asked_anew(void **state)
{
    (void)state;
    ocl_device before = board("driver 1.0"), after = board("driver 1.1"), other = before;
    snprintf(other.info.name, sizeof other.info.name, "another");
    answer_note(&before, 9, 1);
    assert_int_equal(answer_known(&before, 9, 1), 1);
    assert_int_equal(answer_known(&after, 9, 1), -1);
    assert_int_equal(answer_known(&other, 9, 1), -1);
}

static void a_damaged_file_says_nothing(void **state)
{
    (void)state;
    char path[400];
    ocl_device d = board("damaged");
    answer_note(&d, 1, 1);
    snprintf(path, sizeof path, "%s/sdcl/probe-%016llx", own_cache(), (unsigned long long)ocl_device_sum(&d));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("0000000000000001 64\n0000000000000001 -1\n0000000000000001\nx\n\n0000000000000001 99999999999999999999\n",
          f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(answer_known(&d, 1, 1), -1);
    f = fopen(path, "a");
    assert_non_null(f);
    fputs("00000000000", f); /* half a line: the disk was full */
    assert_int_equal(fclose(f), 0);
    answer_note(&d, 1, 2);
    assert_int_equal(answer_known(&d, 1, 1), 2);
    answers_forget(&d);
    assert_int_equal(answer_known(&d, 1, 1), -1);
    f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 1 << 15; i++) fputs("0000000000000005 1\n", f);
    assert_int_equal(fclose(f), 0);
    answer_note(&d, 1, 2); /* a long file begins anew */
    assert_int_equal(answer_known(&d, 1, 1), 2);
    assert_int_equal(answer_known(&d, 5, 1), -1);
}

static int asked, reply;

static int question(ocl *o, int subject)
{
    (void)o;
    (void)subject;
    asked++;
    return reply;
}

static uint64_t kernels;

static int sum_of_kernels(ocl *o, int subject, uint64_t *sum)
{
    (void)o;
    (void)subject;
    *sum = kernels;
    return 0;
}

static bool below_seven(ocl *o, int subject, int answer)
{
    (void)o;
    (void)subject;
    return answer < 7;
}

/* In a process of its own, as far as a device knows; how often was it asked? */
static int ask(uint64_t sum, int lead, int says, int expected)
{
    const probe_question q = {PROBE_GPU_WORKS, lead, sum_of_kernels, question,
                              lead == PROBE_PROVED ? NULL : below_seven};
    config *values = NULL;
    ocl *o = NULL;
    asked = 0;
    reply = says;
    kernels = sum;
    if (default_device_open(&values, &o, NULL, NULL)) fail_msg("%s", sdcl_last_error());
    for (int i = 0; i < 2; i++) assert_int_equal(ocl_probe_kept(o, &q, 3), expected);
    ocl_close(&o);
    config_close(&values);
    return asked;
}

static void probes_are_kept(void **state)
{
    (void)state;
    assert_int_equal(ask(11, PROBE_PROVED, 0, 0), 1); /* what failed is tried again */
    assert_int_equal(ask(11, PROBE_PROVED, 1, 1), 1);
    assert_int_equal(ask(11, PROBE_PROVED, 0, 1), 0);
    assert_int_equal(ask(12, PROBE_PROVED, 0, 0), 1); /* another kernel */
    assert_int_equal(ask(13, PROBE_MEASURED, 5, 5), 1);
    assert_int_equal(ask(13, PROBE_MEASURED, 6, 6), 1); /* a noisy one */
    assert_int_equal(ask(13, PROBE_MEASURED, 5, 5), 1);
    assert_int_equal(ask(13, PROBE_MEASURED, 5, 5), 1);
    assert_int_equal(ask(13, PROBE_MEASURED, 6, 5), 0);
}

/* A file can say anything; the program indexes tables by it. */
static void what_cannot_be_is_asked_anew(void **state)
{
    (void)state;
    assert_int_equal(ask(21, PROBE_PROVED, 2, 2), 1);
    assert_int_equal(ask(21, PROBE_PROVED, 1, 1), 1);
    assert_int_equal(ask(22, PROBE_MEASURED, 7, 7), 1);
    assert_int_equal(ask(22, PROBE_MEASURED, 7, 7), 1);
    assert_int_equal(ask(22, PROBE_MEASURED, 6, 6), 1);
}

/* One that only tries values leaves nothing behind. */
static void a_trial_keeps_nothing(void **state)
{
    (void)state;
    const probe_question q = {PROBE_GPU_WORKS, PROBE_PROVED, sum_of_kernels, question, NULL};
    config *values = NULL;
    ocl *o = NULL;
    kernels = 31;
    reply = 1;
    if (default_device_open(&values, &o, NULL, NULL)) fail_msg("%s", sdcl_last_error());
    ocl_probe_forget(o);
    assert_int_equal(ocl_probe_kept(o, &q, 3), 1);
    ocl_close(&o);
    config_close(&values);
    assert_int_equal(ask(31, PROBE_PROVED, 0, 0), 1);
}

/* Text and values. */
static void a_sum_of_a_kernel(void **state)
{
    (void)state;
    static const char *const sets[] = {NULL, "gemm_matrix_cpu.bf16.NP=2", "gemm_matrix_cpu.f16.NP=2"};
    uint64_t sum[3], text, at_other_shape;
    char command[700];
    for (int i = 0; i < 3; i++) {
        config *values = NULL;
        ocl *o = NULL;
        const ocl_shape shape = {64, 64, 64};
        if (default_device_open(&values, &o, NULL, (const char *const[]){sets[i], NULL})) fail();
        assert_int_equal(section_sum(ocl_device_of(o), values, &gemm_matrix_cpu_kernel, BF16, shape, &sum[i]), 0);
        assert_int_equal(
            section_sum(ocl_device_of(o), values, &gemm_matrix_cpu_kernel, BF16, (ocl_shape){1, 1, 1}, &at_other_shape),
            0);
        assert_true(at_other_shape == sum[i]);
        if (!i) {
            snprintf(command, sizeof command, "cp -r cl '%s/cl' && echo '/* */' >> '%s/cl/common.h'", own_cache(),
                     own_cache());
            assert_int_equal(system(command), 0);
            snprintf(command, sizeof command, "%s/cl", own_cache());
            setenv("SDCL_CL_DIR", command, 1);
            assert_int_equal(section_sum(ocl_device_of(o), values, &gemm_matrix_cpu_kernel, BF16, shape, &text), 0);
            unsetenv("SDCL_CL_DIR");
            assert_true(text != sum[0]);
        }
        ocl_close(&o);
        config_close(&values);
    }
    assert_true(sum[1] != sum[0] && sum[2] == sum[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_a_majority),
        cmocka_unit_test(another_driver_is_asked_anew),
        cmocka_unit_test(a_damaged_file_says_nothing),
        cmocka_unit_test(probes_are_kept),
        cmocka_unit_test(what_cannot_be_is_asked_anew),
        cmocka_unit_test(a_trial_keeps_nothing),
        cmocka_unit_test(a_sum_of_a_kernel),
    };
    return cmocka_run_group_tests(tests, own_cache_open, own_cache_close);
}
