/* SPDX-License-Identifier: MIT */
/* The INI overlay: layers, precedence, origins. */
#include "ini_fixture.h"

static void test_defaults(void **state)
{
    (void)state;
    config *c = open_ok(NULL, NULL, NULL, 0);
    struct mm_cpu_tune t = tune(c, NULL);
    assert_int_equal(t.MR, 8);
    assert_int_equal(t.NV, 3);
    assert_int_equal(t.KC, 128);
    assert_int_equal(config_value(c, &mm_cpu_kernel, NULL, OCL_ALL_SHAPES, "KC"), 128);
    assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "auto");
    assert_int_equal(config_value(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), 0);
    config_close(&c);
    assert_null(c);
    config_close(&c);
}

static void test_user_file(void **state)
{
    (void)state;
    config *c = open_ok(NULL, "# note\n; note\n\n[mm]\nimpl = cpu\n[mm_cpu]\nMR=12\n  NV : 1 ; tail\r\n", NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 12);
    assert_int_equal(tune(c, NULL).NV, 1);
    assert_int_equal(tune(c, NULL).KC, 128);
    assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "cpu");
    assert_int_equal(config_value(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), 1);
    config_close(&c);
}

static void test_indented_lines_are_lines(void **state)
{
    (void)state;
    config *c = open_ok(NULL, "[mm_cpu]\nMR = 4\n\tNV = 2\n   KC = 64\n", NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 4);
    assert_int_equal(tune(c, NULL).NV, 2);
    assert_int_equal(tune(c, NULL).KC, 64);
    config_close(&c);
}

static void test_section_line(void **state)
{
    (void)state;
    config *c = open_ok(NULL, "  [mm_cpu]  ; the kernel\r\nMR = 4\r\n[mm]\n[mm_cpu]\nNV = 2", NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 4);
    assert_int_equal(tune(c, NULL).NV, 2);
    config_close(&c);
}

static void test_long_comment(void **state)
{
    (void)state;
    char text[1024] = "; ";
    memset(text + 2, '=', 900);
    strcpy(text + 902, "\n[mm_cpu]\nMR = 4\n");
    config *c = open_ok(NULL, text, NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 4);
    config_close(&c);
}

static void test_empty_file(void **state)
{
    (void)state;
    config *c = open_ok(NULL, "", NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 8);
    config_close(&c);
}

static void test_precision_section(void **state)
{
    (void)state;
    config *c = open_ok(NULL, "[mm_cpu.f16]\nMR = 12\n[mm_cpu]\nMR = 4\n[mm_cpu.bf16]\nNV = 1\n", NULL, 0);
    assert_int_equal(tune(c, "f16").MR, 12);
    assert_int_equal(tune(c, "f32").MR, 4);
    assert_int_equal(tune(c, "bf16").MR, 4);
    assert_int_equal(tune(c, "bf16").NV, 1);
    assert_int_equal(tune(c, NULL).MR, 4);
    assert_int_equal(tune(c, "f16").NV, 3);
    config_close(&c);
}

static void test_precision_wins_over_later_layer(void **state)
{
    (void)state;
    const char *set[] = {"mm_cpu.NV=4", "mm_cpu.f32.NV=1"};
    sdcl_device cpu = device_of("cpu", "GenuineIntel", "pthread-skylake");
    config *c = open_ok(&cpu, NULL, set, 1);
    assert_int_equal(tune(c, "f16").NV, 2);
    assert_int_equal(tune(c, "f32").NV, 4);
    config_close(&c);
    c = open_ok(&cpu, NULL, set, 2);
    assert_int_equal(tune(c, "f32").NV, 1);
    config_close(&c);
}

static void test_set(void **state)
{
    (void)state;
    const char *set[] = {"mm_cpu.MR=4", "mm.impl=gpu", "mm_cpu.f16.KC=64", "mm_cpu.MR=6"};
    config *c = open_ok(NULL, "[mm_cpu]\nMR = 12\nNV = 2\n", set, 4);
    assert_int_equal(tune(c, NULL).MR, 6);
    assert_int_equal(tune(c, NULL).NV, 2);
    assert_int_equal(tune(c, "f16").KC, 64);
    assert_int_equal(tune(c, NULL).KC, 128);
    assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "gpu");
    config_close(&c);
}

static void test_binary_cache(void **state)
{
    (void)state;
    const char *set[] = {"device.binary_cache=on"};
    config *c = open_ok(NULL, NULL, set, 1);
    assert_string_equal(config_word(c, &device_section, NULL, OCL_ALL_SHAPES, "binary_cache"), "on");
    config_close(&c);
}

/* --- shipped layers --- */

static void test_cpu_layer(void **state)
{
    (void)state;
    sdcl_device cpu = device_of("cpu", "AuthenticAMD", "pthread-znver3");
    config *c = open_ok(&cpu, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 6); /* cpu.ini; amd.ini is for GPUs */
    assert_int_equal(tune(c, NULL).KC, 128);
    assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "auto");
    config_close(&c);
}

static void test_cpu_device_file(void **state)
{
    (void)state;
    sdcl_device cpu = device_of("cpu", "AuthenticAMD", "pthread-skylake-avx512-AMD EPYC");
    config *c = open_ok(&cpu, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).KC, 256);
    assert_int_equal(tune(c, NULL).MR, 6);
    config_close(&c);
}

static void test_vendor_layer(void **state)
{
    (void)state;
    const struct {
        const char *vendor;
        int MR, NV;
    } cases[] = {{"NVIDIA Corporation", 8, 2}, {"Advanced Micro Devices, Inc.", 12, 3}, {"AMD", 12, 3},
                 {"AuthenticAMD", 12, 3},      {"Intel(R) Corporation", 4, 3},          {"Mesa", 4, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sdcl_device gpu = device_of("gpu", cases[i].vendor, "Some board");
        config *c = open_ok(&gpu, NULL, NULL, 0);
        assert_int_equal(tune(c, NULL).MR, cases[i].MR);
        assert_int_equal(tune(c, NULL).NV, cases[i].NV);
        assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "gpu");
        config_close(&c);
    }
}

static void test_accelerator_takes_no_vendor_file(void **state)
{
    (void)state;
    sdcl_device other = device_of("accelerator", "AMD", "Alveo");
    config *c = open_ok(&other, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 4);
    config_close(&c);
}

static void test_longest_match_wins(void **state)
{
    (void)state;
    sdcl_device h100 = device_of("gpu", "NVIDIA Corporation", "NVIDIA H100 80GB HBM3");
    sdcl_device h200 = device_of("gpu", "NVIDIA Corporation", "NVIDIA H200");
    config *c = open_ok(&h100, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).NV, 4);
    assert_int_equal(tune(c, NULL).KC, 256);
    assert_int_equal(tune(c, NULL).MR, 8);
    assert_string_equal(config_word(c, &device_section, NULL, OCL_ALL_SHAPES, "binary_cache"), "auto");
    config_close(&c);
    c = open_ok(&h200, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).NV, 1);
    assert_int_equal(tune(c, NULL).KC, 128);
    assert_string_equal(config_word(c, &device_section, NULL, OCL_ALL_SHAPES, "binary_cache"), "off");
    config_close(&c);
}

/* Wildcards and sets are no characters of a name, however many they are written with. */
static void test_a_card_stands_above_its_family(void **state)
{
    (void)state;
    sdcl_device card = device_of("gpu", "Some", "Card 480 Graphics"), other = device_of("gpu", "Some", "Card 470");
    config *c = open_ok(&card, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).KC, 256);
    config_close(&c);
    c = open_ok(&other, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).KC, 64);
    config_close(&c);
}

static void test_names_are_normalised(void **state)
{
    (void)state;
    const char *names[] = {"H100 PCIe", "nvidia h100 pcie", "  NVIDIA   H100", "NVIDIA A100-SXM4-40GB", "a100"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        sdcl_device gpu = device_of("gpu", "NVIDIA Corporation", names[i]);
        config *c = open_ok(&gpu, NULL, NULL, 0);
        assert_int_equal(tune(c, NULL).NV, 4);
        config_close(&c);
    }
    const char *arcs[] = {"Intel(R) Arc(TM) A770 Graphics", "Intel Arc A770", "Arc(tm) B580"};
    for (size_t i = 0; i < sizeof arcs / sizeof arcs[0]; i++) {
        sdcl_device gpu = device_of("gpu", "Intel(R) Corporation", arcs[i]);
        config *c = open_ok(&gpu, NULL, NULL, 0);
        assert_int_equal(tune(c, NULL).KC, 64);
        config_close(&c);
    }
    sdcl_device other = device_of("gpu", "NVIDIA Corporation", "NVIDIA RTX H100"); /* the pattern is anchored */
    config *c = open_ok(&other, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).NV, 2);
    config_close(&c);
}

/* Nobody has listed this vendor: the first word of the name goes where it is the vendor's. */
static void test_vendor_before_the_name(void **state)
{
    (void)state;
    sdcl_device cards[] = {device_of("gpu", "ACME Corp.", "Acme Card 480"),
                           device_of("gpu", "Acme", "Card 480"),
                           device_of("gpu", "Board Maker", "Acme Card 480"),
                           {0}};
    const int expected[] = {256, 256, 128, 256};
    config_device_named(&cards[3], "Acme(R) Card 480");
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        config *c = open_ok(&cards[i], NULL, NULL, 0);
        assert_int_equal(tune(c, NULL).KC, expected[i]);
        config_close(&c);
    }
}

/* A device by its name alone gets what the device itself would. */
static void test_device_that_is_not_here(void **state)
{
    (void)state;
    sdcl_device d;
    config_device_named(&d, "NVIDIA H100 80GB HBM3");
    config *c = open_ok(&d, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).NV, 4);
    assert_int_equal(tune(c, NULL).MR, 8);
    assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "gpu");
    config_close(&c);
    config_device_named(&d, "AMD gfx1100");
    c = open_ok(&d, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 12);
    config_close(&c);
    config_device_named(&d, "cpu");
    c = open_ok(&d, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).MR, 6);
    assert_string_equal(config_word(c, &mm_section, NULL, OCL_ALL_SHAPES, "impl"), "auto");
    config_close(&c);
}

static void test_order_of_layers(void **state)
{
    (void)state;
    const char *set[] = {"mm_cpu.MR=6"};
    sdcl_device h100 = device_of("gpu", "NVIDIA Corporation", "NVIDIA H100");
    config *c = open_ok(&h100, "[mm_cpu]\nMR = 12\nNV = 3\n", set, 1);
    struct mm_cpu_tune t = tune(c, NULL);
    assert_int_equal(t.MR, 6);
    assert_int_equal(t.NV, 3);
    assert_int_equal(t.KC, 256);
    config_close(&c);
}

static void test_each_in_order_with_origin(void **state)
{
    (void)state;
    listing l = {{0}};
    const char *set[] = {"mm_cpu.KC=64"};
    sdcl_device cpu = device_of("cpu", "GenuineIntel", "cpu-skylake");
    config *c = open_ok(&cpu, "; mine\n[mm]\nimpl = cpu\n", set, 1);
    config_each(c, list, &l);
    assert_string_equal(l.text, "mm.impl=cpu my.ini:3\n"
                                "mm_cpu.MR=6 configs/cpu.ini:3\n"
                                "mm_cpu.NV=3 built-in default\n"
                                "mm_cpu.KC=64 --set\n"
                                "mm_cpu.f16.NV=2 configs/cpu.ini:6\n"
                                "device.binary_cache=auto built-in default\n");
    config_close(&c);
}

static void test_device_section_is_optional(void **state)
{
    (void)state;
    config *c = NULL;
    sdcl_device h100 = device_of("gpu", "NVIDIA Corporation", "NVIDIA H100"), h200 = device_of("gpu", "NVIDIA", "H200");
    assert_int_equal(config_open(&c, without_device, &h100, NULL, NULL, 0), 0);
    assert_int_equal(tune(c, NULL).NV, 4);
    config_close(&c);
    assert_int_equal(config_open(&c, without_device, &h200, NULL, NULL, 0), SDCL_EUSAGE);
    assert_string_equal(sdcl_last_error(), "configs/hopper.ini:3: unknown key 'binary_cache' in [device]");
    assert_null(c);
}

static void test_wrong_shipped_file(void **state)
{
    (void)state;
    config *c = NULL;
    sdcl_device wrong = device_of("gpu", "Other", "wrong");
    assert_int_equal(config_open(&c, sections, &wrong, NULL, NULL, 0), SDCL_EUSAGE);
    assert_string_equal(sdcl_last_error(), "configs/wrong.ini:4: 'MR' in [mm_cpu] cannot be '7'; allowed: 4 6 8 12");
}

static void test_match_lines_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        sdcl_device d = device_of("gpu", "Other", i ? "Again" : "Twice");
        config *c = open_ok(&d, NULL, NULL, 0);
        assert_int_equal(tune(c, NULL).KC, 256);
        config_close(&c);
    }
}

/* --- refused --- */

/* message: without the folder; hint: part of it, or NULL */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_user_file),
        cmocka_unit_test(test_indented_lines_are_lines),
        cmocka_unit_test(test_section_line),
        cmocka_unit_test(test_long_comment),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_precision_section),
        cmocka_unit_test(test_precision_wins_over_later_layer),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_binary_cache),
        cmocka_unit_test(test_cpu_layer),
        cmocka_unit_test(test_cpu_device_file),
        cmocka_unit_test(test_vendor_layer),
        cmocka_unit_test(test_accelerator_takes_no_vendor_file),
        cmocka_unit_test(test_longest_match_wins),
        cmocka_unit_test(test_a_card_stands_above_its_family),
        cmocka_unit_test(test_names_are_normalised),
        cmocka_unit_test(test_vendor_before_the_name),
        cmocka_unit_test(test_device_that_is_not_here),
        cmocka_unit_test(test_order_of_layers),
        cmocka_unit_test(test_each_in_order_with_origin),
        cmocka_unit_test(test_device_section_is_optional),
        cmocka_unit_test(test_wrong_shipped_file),
        cmocka_unit_test(test_match_lines_add_up),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
