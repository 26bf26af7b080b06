/* SPDX-License-Identifier: MIT */
/* The INI overlay: values for shapes, and files that `tune` writes. */
#include "ini_fixture.h"

#include "ocl/source.h"

static bool any(void *user, const int *values)
{
    (void)user;
    (void)values;
    return true;
}

/* A device that runs no more than `user` rows. */
static bool few_rows(void *user, const int *values) { return values[0] <= *(const int *)user; }

static struct mm_cpu_tune at(const config *c, const char *precision, int m, int n, int k)
{
    struct mm_cpu_tune t;
    assert_true(config_values_at(c, &mm_cpu_kernel, precision, (ocl_shape){m, n, k}, any, NULL, &t.MR));
    return t;
}

static void test_nearest_shape(void **state)
{
    (void)state;
    config *c = open_ok(NULL,
                        "[mm_cpu]\nMR = 6\n[mm_cpu M=64 N=320 K=320]\nMR = 12\nNV = 1\n"
                        "[mm_cpu M=4096 N=320 K=320]\nMR = 4\n",
                        NULL, 0);
    assert_int_equal(at(c, "f32", 64, 320, 320).MR, 12);
    assert_int_equal(at(c, "f32", 64, 320, 320).NV, 1);
    assert_int_equal(at(c, "f32", 4096, 320, 320).MR, 4);
    assert_int_equal(at(c, "f32", 4096, 320, 320).NV, 3); /* values of two shapes are not mixed */
    assert_int_equal(at(c, "f32", 500, 640, 320).MR, 12); /* 500/64 < 4096/500 */
    assert_int_equal(at(c, "f16", 520, 640, 320).MR, 4);
    assert_int_equal(tune(c, "f32").MR, 6); /* no shape */
    config_close(&c);
}

static void test_one_value(void **state)
{
    (void)state;
    config *c = open_ok(NULL,
                        "[mm_cpu]\nMR = 12\n[mm_cpu.bf16]\nMR = 6\n[mm_cpu.bf16 M=64 N=64 K=64]\nMR = 4\n"
                        "[mm_cpu.bf16 M=4096 N=64 K=64]\nNV = 1\n",
                        NULL, 0);
    assert_int_equal(config_value(c, &mm_cpu_kernel, NULL, OCL_ALL_SHAPES, "MR"), 12);
    assert_int_equal(config_value(c, &mm_cpu_kernel, "f32", (ocl_shape){64, 64, 64}, "MR"), 12);
    assert_int_equal(config_value(c, &mm_cpu_kernel, "bf16", OCL_ALL_SHAPES, "MR"), 6);
    assert_int_equal(config_value(c, &mm_cpu_kernel, "bf16", (ocl_shape){63, 64, 64}, "MR"), 4);
    assert_int_equal(config_value(c, &mm_cpu_kernel, "bf16", (ocl_shape){4096, 64, 64}, "MR"), 6);
    config_close(&c);
}

static void test_shape_in_part(void **state)
{
    (void)state;
    config *c = open_ok(
        NULL, "[mm_cpu N=320 K=320]\nMR = 12\n[mm_cpu M=64 N=320 K=320]\nMR = 4\n[mm_cpu.f16 N=320]\nMR = 6\n", NULL,
        0);
    assert_int_equal(at(c, "f32", 63, 320, 320).MR, 12);
    assert_int_equal(at(c, "f32", 64, 320, 320).MR, 4);
    assert_int_equal(at(c, "f16", 64, 320, 640).MR, 6);
    assert_int_equal(at(c, "f32", 64, 0, 0).MR, 8); /* a step without columns */
    config_close(&c);
}

static void test_nearest_valid_shape(void **state)
{
    (void)state;
    int most = 6;
    struct mm_cpu_tune t;
    config *c = open_ok(NULL,
                        "[mm_cpu]\nMR = 8\n[mm_cpu M=64 N=64 K=64]\nMR = 12\n[mm_cpu M=999 N=64 K=64]\nMR = 6\n"
                        "[mm_cpu M=9999 N=64 K=64]\nMR = 4\n",
                        NULL, 0);
    assert_true(config_values_at(c, &mm_cpu_kernel, "f32", (ocl_shape){63, 64, 64}, few_rows, &most, &t.MR));
    assert_int_equal(t.MR, 6);
    most = 4;
    assert_true(config_values_at(c, &mm_cpu_kernel, "f32", (ocl_shape){63, 64, 64}, few_rows, &most, &t.MR));
    assert_int_equal(t.MR, 4);
    most = 1;
    assert_false(config_values_at(c, &mm_cpu_kernel, "f32", (ocl_shape){63, 64, 64}, few_rows, &most, &t.MR));
    assert_int_equal(t.MR, 8);
    config_close(&c);
}

static void test_unfit_names_its_line(void **state)
{
    (void)state;
    int most = 6;
    char expected[400];
    struct mm_cpu_tune t;
    ocl_shape shape = {64, 64, 64};
    config *c = open_ok(NULL, "[mm_cpu]\nMR = 6\n[mm_cpu M=64 N=64 K=64]\nNV = 1\nMR = 12\nKC = 64\n", NULL, 0);
    assert_false(config_values_at(c, &mm_cpu_kernel, "f32", shape, few_rows, &most, &t.MR));
    assert_int_equal(config_unfit(c, &mm_cpu_kernel, "f32", shape, &t.MR, "this device"), SDCL_EUSAGE);
    snprintf(expected, sizeof expected, "%s:6: [mm_cpu] with MR = 12, NV = 1, KC = 64 does not fit this device", path);
    assert_string_equal(sdcl_last_error(), expected);
    config_close(&c);
}

static bool small_product(void *user, const int *values)
{
    return values[0] * values[1] * values[2] <= *(const int *)user;
}

static void test_what_would_fit_instead(void **state)
{
    (void)state;
    const struct {
        int most;
        const char *text;
    } cases[] = {{3071, "MR = 4 6, NV = 1 2, KC = 64"}, /* MR = 8, NV = 3, KC = 128 are 3072 */
                 {800, "MR = 4 with NV = 1, MR = 4 with KC = 64, NV = 1 with KC = 64"},
                 {255, ""}};
    int values[OCL_TUNABLES_MAX] = {0};
    char text[256];
    config *c = open_ok(NULL, "[mm_cpu]\nMR = 8\n", NULL, 0);
    config_values(c, &mm_cpu_kernel, NULL, OCL_ALL_SHAPES, values);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int most = cases[i].most;
        config_repairs(c, &mm_cpu_kernel, values, small_product, &most, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    config_close(&c);
}

static void test_shape_against_layers(void **state)
{
    (void)state;
    const char *set[] = {"mm_cpu.MR=4"};
    sdcl_device cpu = device_of("cpu", "GenuineIntel", "cpu-skylake"); /* cpu.ini: MR = 6, f16 NV = 2 */
    config *c = open_ok(&cpu, "[mm_cpu M=1 N=1 K=1]\nMR = 12\nNV = 1\n", set, 0);
    assert_int_equal(at(c, "f16", 64, 64, 64).MR, 12);
    assert_int_equal(at(c, "f16", 64, 64, 64).NV, 1);
    config_close(&c);
    c = open_ok(&cpu, "[mm_cpu M=1 N=1 K=1]\nMR = 12\nNV = 1\n", set, 1);
    assert_int_equal(at(c, "f32", 64, 64, 64).MR, 4);
    assert_int_equal(at(c, "f32", 64, 64, 64).NV, 1);
    config_close(&c);
}

static void test_choice_per_shape(void **state)
{
    (void)state;
    static const ocl_section op = {"mm", mm_tunables, 1, 1, NULL};
    static const ocl_section *const ops[] = {&op, NULL};
    const char *text = "[mm.f32 M=64 N=64 K=64]\nimpl = gpu\n[mm.f16 M=64 N=64 K=64]\nimpl = cpu\n";
    int values[1];
    config *c = NULL;
    write_file(text, strlen(text));
    assert_int_equal(config_open(&c, ops, NULL, path, NULL, 0), 0);
    assert_true(config_values_at(c, &op, "f32", (ocl_shape){1, 1, 1}, any, NULL, values));
    assert_string_equal(config_word_of(c, &op, "impl", values), "gpu");
    assert_true(config_values_at(c, &op, "f16", (ocl_shape){1, 1, 1}, any, NULL, values));
    assert_string_equal(config_word_of(c, &op, "impl", values), "cpu");
    assert_string_equal(config_word(c, &op, "f32", OCL_ALL_SHAPES, "impl"), "auto");
    assert_string_equal(config_word(c, &op, "f16", (ocl_shape){65, 64, 64}, "impl"), "cpu");
    config_close(&c);
}

static void test_listing(void **state)
{
    (void)state;
    listing l = {{0}};
    config *c = open_ok(NULL, "[mm_cpu.f16 K=8 M=64]\nMR = 4\n[mm]\n[mm_cpu.f16 M=64 K=8]\nNV = 1\n", NULL, 0);
    config_each(c, list, &l);
    assert_string_equal(l.text, "mm.impl=auto built-in default\n"
                                "mm_cpu.MR=8 built-in default\n"
                                "mm_cpu.NV=3 built-in default\n"
                                "mm_cpu.KC=128 built-in default\n"
                                "mm_cpu.f16 M=64 K=8.MR=4 my.ini:2\n"
                                "mm_cpu.f16 M=64 K=8.NV=1 my.ini:5\n"
                                "device.binary_cache=auto built-in default\n");
    config_close(&c);
}

static void refuse(const char *text, const char *message)
{
    config *c = NULL;
    char expected[1024];
    write_file(text, strlen(text));
    assert_int_equal(config_open(&c, sections, NULL, path, NULL, 0), SDCL_EUSAGE);
    assert_null(c);
    snprintf(expected, sizeof expected, "%s/%s", folder, message);
    assert_string_equal(sdcl_last_error(), expected);
}

static void test_refused_shapes(void **state)
{
    (void)state;
    refuse("[mm_cpu M=64 X=3]\n", "my.ini:1: [mm_cpu M=64 X=3]: expected M=, N= or K= after the name");
    refuse("[mm_cpu 64x64]\n", "my.ini:1: [mm_cpu 64x64]: expected M=, N= or K= after the name");
    refuse("[mm_cpu M = 64]\n", "my.ini:1: [mm_cpu M = 64]: expected M=, N= or K= after the name");
    refuse("[mm_cpu M=]\n", "my.ini:1: [mm_cpu M=]: a size is a number above zero");
    refuse("[mm_cpu M=0]\n", "my.ini:1: [mm_cpu M=0]: a size is a number above zero");
    refuse("[mm_cpu M=-4]\n", "my.ini:1: [mm_cpu M=-4]: a size is a number above zero");
    refuse("[mm_cpu M=64k]\n", "my.ini:1: [mm_cpu M=64k]: a size is a number above zero");
    refuse("[mm_cpu M=99999999999]\n", "my.ini:1: [mm_cpu M=99999999999]: a size is a number above zero");
    refuse("[mm_cpu M=64 M=64]\n", "my.ini:1: [mm_cpu M=64 M=64]: a size is given twice");
    refuse("[device M=64]\n", "my.ini:1: [device M=64]: has no values per shape");
    refuse("[mm_gpu M=64]\n", "my.ini:1: unknown section [mm_gpu M=64]");
    refuse("[mm_cpu M=64]\nMR = 7\n", "my.ini:2: 'MR' in [mm_cpu M=64] cannot be '7'; allowed: 4 6 8 12");
    refuse("[mm_cpu M=64]\nMR = 8\n[mm_cpu M=64]\nMR = 4\n",
           "my.ini:4: 'MR' is set twice in [mm_cpu M=64]; first in line 2");
}

/* --- files that tune writes --- */

typedef struct warnings {
    char text[2048];
    int count;
} warnings;

static void on_warning(void *user, const char *text)
{
    warnings *w = user;
    w->count++;
    snprintf(w->text, sizeof w->text, "%s", text);
}

static void test_stale_sections_do_not_count(void **state)
{
    (void)state;
    char text[1024], now[SOURCE_HASH];
    warnings w = {{0}, 0};
    assert_int_equal(source_hash(now, "mm_cpu"), 0);
    snprintf(text, sizeof text,
             "[tuned]\ndevice = Some board\ndriver = 1.0\ndate = 2026-01-02\n"
             "[mm_cpu.f32 M=64 N=64 K=64]\nsource = %s\nMR = 12\n"
             "[mm_cpu.f32 M=99 N=99 K=99]\nsource = 0123456789abcdef\nMR = 99\nGONE = 1\n"
             "[removed_kernel.f32 M=1]\nsource = 0123456789abcdef\nX = 1\n",
             now);
    config *c = open_ok(NULL, text, NULL, 0);
    assert_int_equal(at(c, "f32", 99, 99, 99).MR, 12);
    config_warnings(c, on_warning, &w);
    assert_int_equal(w.count, 1);
    assert_non_null(strstr(w.text, "2 of 3 sections were tuned for other versions"));
    config_close(&c);
}

static void test_refused_tuned(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nsource = 0\n", "my.ini:2: 'source' is for files that begin with [tuned]");
    refuse("[mm_cpu]\n[tuned]\n", "my.ini:2: [tuned] stands at the top of a file, once");
    refuse("[tuned]\nspeed = 9\n", "my.ini:2: unknown key 'speed' in [tuned]");
    refuse("[tuned]\ndevice =\n", "my.ini:2: 'device' in [tuned] is empty");
    refuse("[tuned]\n[mm_cpu]\nMR = 8\nsource = 0\n", "my.ini:4: 'source' is the first key of a section");
    refuse("[tuned]\n[mm_cpu]\nMR = 7\n", "my.ini:3: 'MR' in [mm_cpu] cannot be '7'; allowed: 4 6 8 12");
}

static void test_tuned_file_of_the_device(void **state)
{
    (void)state;
    char *tuned = NULL, text[512], now[SOURCE_HASH], origin[600];
    listing l = {{0}};
    sdcl_device board = device_of("gpu", "NVIDIA Corporation", "NVIDIA Some(R) Board 9"), other = board;
    snprintf(other.name, sizeof other.name, "Some-Board-9");
    setenv("XDG_DATA_HOME", folder, 1);
    assert_null(config_tuned_path(&board, false));
    tuned = config_tuned_path(&board, true);
    assert_non_null(tuned);
    assert_string_equal(strrchr(tuned, '/'), "/some_board_9.ini");
    assert_int_equal(source_hash(now, "mm_cpu"), 0);
    snprintf(text, sizeof text, "[tuned]\ndevice = NVIDIA Some Board 9\n[mm_cpu]\nsource = %s\nMR = 12\nNV = 4\n", now);
    FILE *f = fopen(tuned, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    config *c = open_ok(&board, "[mm_cpu]\nNV = 1\n", NULL, 0); /* nvidia.ini < tuned < --config */
    assert_true(config_is_tuned(c));
    assert_int_equal(tune(c, "f32").MR, 12);
    assert_int_equal(tune(c, "f32").NV, 1);
    config_each(c, list, &l);
    snprintf(origin, sizeof origin, "mm_cpu.MR=12 some_board_9.ini:5\n");
    assert_non_null(strstr(l.text, origin));
    config_close(&c);
    c = open_ok(&other, NULL, NULL, 0); /* the same file name, another device */
    assert_false(config_is_tuned(c));
    assert_int_equal(tune(c, "f32").MR, 8);
    config_close(&c);
    unlink(tuned);
    free(tuned);
    snprintf(text, sizeof text, "%s/sdcl/tuned", folder);
    rmdir(text);
    snprintf(text, sizeof text, "%s/sdcl", folder);
    rmdir(text);
    unsetenv("XDG_DATA_HOME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_shape),        cmocka_unit_test(test_one_value),
        cmocka_unit_test(test_shape_in_part),        cmocka_unit_test(test_nearest_valid_shape),
        cmocka_unit_test(test_unfit_names_its_line), cmocka_unit_test(test_shape_against_layers),
        cmocka_unit_test(test_choice_per_shape),     cmocka_unit_test(test_listing),
        cmocka_unit_test(test_refused_shapes),       cmocka_unit_test(test_stale_sections_do_not_count),
        cmocka_unit_test(test_refused_tuned),        cmocka_unit_test(test_tuned_file_of_the_device),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
