/* SPDX-License-Identifier: MIT */
/* The INI overlay: which layer wins, that only listed values get through, and that every error says where and what. */
#include "ocl/config.h"
#include "ocl/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MM_TUNE(P)                                                                                                     \
    P(MR, 8, "4 6 8 12", "rows")                                                                                       \
    P(NV, 3, "1 2 3 4", "vectors")                                                                                     \
    P(KC, 128, "64 128 256", "depth")
OCL_KERNEL(mm_cpu, MM_TUNE)

static const ocl_tunable mm_tunables[] = {{"impl", 0, "auto cpu gpu", "implementation"}};
static const ocl_section mm_section = {"mm", mm_tunables, 1, 0};
static const ocl_tunable device_tunables[] = {{"binary_cache", 0, "auto on off", "own cache of binaries"}};
static const ocl_section device_section = {"device", device_tunables, 1, 0};

static const ocl_section *const sections[] = {&mm_section, &mm_cpu_kernel, &device_section, NULL};
static const ocl_section *const without_device[] = {&mm_section, &mm_cpu_kernel, NULL};

/* What the library would have embedded; the linker takes this one. */
#define FILE_ROW(name, text)                                                                                           \
    {                                                                                                                  \
        name, text, sizeof(text) - 1                                                                                   \
    }
const embedded_file embedded_configs[] = {
    FILE_ROW("amd.ini", "[mm_cpu]\nMR = 12\n"),
    FILE_ROW("arc.ini", "[device]\nmatch = Intel(R) Arc(TM)*\n[mm_cpu]\nKC = 64\n"),
    FILE_ROW("cpu.ini", "; everything\n[mm_cpu]\nMR = 6\n\n[mm_cpu.f16]\nNV = 2\n"),
    FILE_ROW("epyc.ini", "[device]\nmatch = *EPYC*\n[mm_cpu]\nKC = 256\n"),
    FILE_ROW("gpu.ini", "[mm]\nimpl = gpu\n[mm_cpu]\nMR = 4\n"),
    FILE_ROW("h100.ini", "[device]\nmatch = A100* | NVIDIA H100*\n[mm_cpu]\nNV = 4\nKC = 256\n"),
    FILE_ROW("hopper.ini", "[device]\nmatch = H*\nbinary_cache = off\n[mm_cpu]\nNV = 1\n"),
    FILE_ROW("nvidia.ini", "[mm_cpu]\nMR = 8\nNV = 2\n"),
    FILE_ROW("twice.ini", "[device]\nmatch = Twice\nmatch = Again\n"),
    FILE_ROW("wrong.ini", "[device]\nmatch = Wrong\n[mm_cpu]\nMR = 7\n"),
    {NULL, NULL, 0},
};

static char folder[256], path[300];

static int setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/sdcl-ini-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/my.ini", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static sdcl_device device_of(const char *type, const char *vendor, const char *name)
{
    sdcl_device d = {0};
    snprintf(d.type, sizeof d.type, "%s", type);
    snprintf(d.vendor, sizeof d.vendor, "%s", vendor);
    snprintf(d.name, sizeof d.name, "%s", name);
    return d;
}

/* --- good configurations --- */

typedef struct listing {
    char text[4096];
} listing;

static void list(void *user, const char *section, const char *key, const char *value, const char *origin)
{
    listing *l = user;
    const char *slash = strrchr(origin, '/');
    size_t n = strlen(l->text);
    bool mine = !strncmp(origin, folder, strlen(folder));
    snprintf(l->text + n, sizeof l->text - n, "%s.%s=%s %s\n", section, key, value, mine ? slash + 1 : origin);
}

static struct mm_cpu_tune tune(const config *c, const char *precision)
{
    struct mm_cpu_tune t;
    config_values(c, &mm_cpu_kernel, precision, &t.MR);
    return t;
}

static void write_file(const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static config *open_ok(const sdcl_device *device, const char *text, const char *const *set, int set_count)
{
    config *c = NULL;
    if (text) write_file(text, strlen(text));
    int err = config_open(&c, sections, device, text ? path : NULL, set, set_count);
    if (err) fail_msg("%s", sdcl_last_error());
    assert_non_null(c);
    return c;
}

static void test_defaults(void **state)
{
    (void)state;
    config *c = open_ok(NULL, NULL, NULL, 0);
    struct mm_cpu_tune t = tune(c, NULL);
    assert_int_equal(t.MR, 8);
    assert_int_equal(t.NV, 3);
    assert_int_equal(t.KC, 128);
    assert_int_equal(config_value(c, "mm_cpu", "KC"), 128);
    assert_string_equal(config_word(c, "mm", "impl"), "auto");
    assert_int_equal(config_value(c, "mm", "impl"), 0);
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
    assert_string_equal(config_word(c, "mm", "impl"), "cpu");
    assert_int_equal(config_value(c, "mm", "impl"), 1);
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
    assert_string_equal(config_word(c, "mm", "impl"), "gpu");
    config_close(&c);
}

static void test_binary_cache(void **state)
{
    (void)state;
    const char *set[] = {"device.binary_cache=on"};
    config *c = open_ok(NULL, NULL, set, 1);
    assert_string_equal(config_word(c, "device", "binary_cache"), "on");
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
    assert_string_equal(config_word(c, "mm", "impl"), "auto");
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
        assert_string_equal(config_word(c, "mm", "impl"), "gpu");
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
    assert_string_equal(config_word(c, "device", "binary_cache"), "auto");
    config_close(&c);
    c = open_ok(&h200, NULL, NULL, 0);
    assert_int_equal(tune(c, NULL).NV, 1);
    assert_int_equal(tune(c, NULL).KC, 128);
    assert_string_equal(config_word(c, "device", "binary_cache"), "off");
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
    sdcl_device twice = device_of("gpu", "Other", "Again");
    assert_int_equal(config_open(&c, sections, &twice, NULL, NULL, 0), SDCL_EUSAGE);
    assert_string_equal(sdcl_last_error(), "configs/twice.ini:3: 'match' is set twice; first in line 2");
}

/* --- refused --- */

/* message: without the folder; hint: part of it, or NULL */
static void refuse_bytes(const char *text, size_t size, const char *message, const char *hint)
{
    config *c = NULL;
    char expected[1024];
    write_file(text, size);
    assert_int_equal(config_open(&c, sections, NULL, path, NULL, 0), SDCL_EUSAGE);
    assert_null(c);
    snprintf(expected, sizeof expected, "%s/%s", folder, message);
    assert_string_equal(sdcl_last_error(), expected);
    if (hint && !strstr(sdcl_last_hint(), hint)) fail_msg("hint is '%s'", sdcl_last_hint());
}

static void refuse(const char *text, const char *message, const char *hint)
{
    refuse_bytes(text, strlen(text), message, hint);
}

static void refuse_set(const char *text, const char *message)
{
    config *c = NULL;
    assert_int_equal(config_open(&c, sections, NULL, NULL, &text, 1), SDCL_EUSAGE);
    assert_null(c);
    assert_string_equal(sdcl_last_error(), message);
}

static void test_unknown_section(void **state)
{
    (void)state;
    refuse("[mm_cpu]\n\n[mm_gpo]\nMR = 8\n", "my.ini:3: unknown section [mm_gpo]; did you mean 'mm_cpu'?",
           "sdcl config");
    refuse("[convolution]\n", "my.ini:1: unknown section [convolution]", "sdcl config");
    refuse("[mm_cpu.fp16]\n", "my.ini:1: unknown section [mm_cpu.fp16]; did you mean 'mm_cpu.f16'?", NULL);
    refuse("[ mm ]\n", "my.ini:1: unknown section [ mm ]", NULL);
    refuse("[]\n", "my.ini:1: unknown section []", NULL);
}

static void test_precision_of_a_section_without(void **state)
{
    (void)state;
    refuse("[mm.f16]\nimpl = cpu\n", "my.ini:1: unknown section [mm.f16]", NULL);
}

static void test_unknown_key(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMRR = 8\n", "my.ini:2: unknown key 'MRR' in [mm_cpu]; did you mean 'MR'?",
           "keys of [mm_cpu]: MR NV KC");
    refuse("[mm_cpu]\nUNROLL = 8\n", "my.ini:2: unknown key 'UNROLL' in [mm_cpu]", "keys of [mm_cpu]: MR NV KC");
    refuse("[mm_cpu]\nmr = 8\n", "my.ini:2: unknown key 'mr' in [mm_cpu]; did you mean 'MR'?", NULL);
}

static void test_key_before_section(void **state)
{
    (void)state;
    refuse("; x\nMR = 8\n", "my.ini:2: 'MR' stands before the first [section]", NULL);
}

static void test_value_out_of_range(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nNV = 2\nMR = 7\n", "my.ini:3: 'MR' in [mm_cpu] cannot be '7'; allowed: 4 6 8 12", NULL);
    refuse("[mm_cpu.f16]\nMR = -8\n", "my.ini:2: 'MR' in [mm_cpu.f16] cannot be '-8'; allowed: 4 6 8 12", NULL);
    refuse("[mm_cpu]\nMR = 4294967304\n", "my.ini:2: 'MR' in [mm_cpu] cannot be '4294967304'; allowed: 4 6 8 12", NULL);
}

static void test_value_spelled_otherwise(void **state)
{
    (void)state;
    const char *spellings[] = {"08",  "+8",    "0x8",   "8.0", "8;1",      "8u",
                               "8 8", "eight", "\"8\"", "'8'", "4 6 8 12", "8\\"};
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        char text[64], message[160];
        snprintf(text, sizeof text, "[mm_cpu]\nMR = %s\n", spellings[i]);
        snprintf(message, sizeof message, "my.ini:2: 'MR' in [mm_cpu] cannot be '%s'; allowed: 4 6 8 12", spellings[i]);
        refuse(text, message, NULL);
    }
}

static void test_build_options_do_not_pass(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMR = 8 -I/etc\n", "my.ini:2: 'MR' in [mm_cpu] cannot be '8 -I/etc'; allowed: 4 6 8 12", NULL);
    refuse("[mm_cpu]\nMR = -I.\n", "my.ini:2: 'MR' in [mm_cpu] cannot be '-I.'; allowed: 4 6 8 12", NULL);
    refuse("[mm]\nimpl = cpu -D X=1\n", "my.ini:2: 'impl' in [mm] cannot be 'cpu -D X=1'; allowed: auto cpu gpu", NULL);
    refuse("[mm_cpu]\nMR -D = 8\n", "my.ini:2: unknown key 'MR -D' in [mm_cpu]", NULL);
}

static void test_words(void **state)
{
    (void)state;
    refuse("[mm]\nimpl = CPU\n", "my.ini:2: 'impl' in [mm] cannot be 'CPU'; allowed: auto cpu gpu", NULL);
    refuse("[mm]\nimpl = 1\n", "my.ini:2: 'impl' in [mm] cannot be '1'; allowed: auto cpu gpu", NULL);
    refuse("[mm]\nimpl = auto cpu\n", "my.ini:2: 'impl' in [mm] cannot be 'auto cpu'; allowed: auto cpu gpu", NULL);
}

static void test_empty_value(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMR =\n", "my.ini:2: 'MR' in [mm_cpu] cannot be ''; allowed: 4 6 8 12", NULL);
}

static void test_duplicate_key(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMR = 8\nNV = 2\nMR = 8\n", "my.ini:4: 'MR' is set twice in [mm_cpu]; first in line 2", NULL);
    refuse("[mm_cpu]\nMR = 8\n[mm]\n[mm_cpu]\nMR = 4\n", "my.ini:5: 'MR' is set twice in [mm_cpu]; first in line 2",
           NULL);
    refuse("[mm_cpu.f16]\nMR = 8\nMR = 4\n", "my.ini:3: 'MR' is set twice in [mm_cpu.f16]; first in line 2", NULL);
}

static void test_not_ini(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMR 8\n", "my.ini:2: neither [section] nor key = value", NULL);
    refuse("<html>\n", "my.ini:1: neither [section] nor key = value", NULL);
    refuse("[mm_cpu\nMR = 8\n", "my.ini:1: a section's name has no ]", NULL);
    refuse("[mm_cpu] MR = 8\n", "my.ini:1: text after [section]", NULL);
}

static void test_first_error_is_reported(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMR 8\nNV = 9\n", "my.ini:2: neither [section] nor key = value", NULL);
    refuse("[mm_cpu]\nMR 8\n[nothing]\n", "my.ini:2: neither [section] nor key = value", NULL);
    refuse("[mm_cpu]\nNV = 9\nMR 8\n", "my.ini:2: 'NV' in [mm_cpu] cannot be '9'; allowed: 1 2 3 4", NULL);
}

static void test_long_line(void **state)
{
    (void)state;
    char text[600] = "[mm_cpu]\nMR = 8";
    size_t n = strlen(text);
    memset(text + n, ' ', 300);
    strcpy(text + n + 300, "2\nNV = 2\n");
    refuse(text, "my.ini:2: line of more than 199 characters", NULL);
    memset(text, 'x', sizeof text - 1);
    text[0] = '[';
    text[100] = ']';
    text[101] = 0;
    refuse(text, "my.ini:1: section name of 99 characters", NULL);
}

static void test_nul_byte(void **state)
{
    (void)state;
    static const char value[] = "[mm_cpu]\nMR = 8\0"
                                "0\n",
                      comment[] = "; a\0b\n", utf16[] = "[\0m\0m\0]\0\n\0";
    refuse_bytes(value, sizeof value - 1, "my.ini:2: NUL byte; INI files are plain text", NULL);
    refuse_bytes(comment, sizeof comment - 1, "my.ini:1: NUL byte; INI files are plain text", NULL);
    refuse_bytes(utf16, sizeof utf16 - 1, "my.ini:1: NUL byte; INI files are plain text", NULL);
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    refuse("\xef\xbb\xbf[mm_cpu]\nMR = 8\n", "my.ini:1: byte order mark; save the file as UTF-8 without one", NULL);
    refuse("[mm_cpu]\n\xef\xbb\xbfMR = 8\n", "my.ini:2: unknown key '\xef\xbb\xbfMR' in [mm_cpu]", NULL);
}

static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    refuse("[mm_cpu]\nMR = \x1b[31m8\n", "my.ini:2: 'MR' in [mm_cpu] cannot be '?[31m8'; allowed: 4 6 8 12", NULL);
}

static void test_match_is_not_for_users(void **state)
{
    (void)state;
    refuse("[device]\nmatch = NVIDIA*\n", "my.ini:2: 'match' is for device files in configs/ only", NULL);
    refuse("[mm_cpu]\nmatch = 8\n", "my.ini:2: unknown key 'match' in [mm_cpu]", NULL);
}

static void test_unreadable(void **state)
{
    (void)state;
    config *c = NULL;
    assert_int_equal(config_open(&c, sections, NULL, "no/such.ini", NULL, 0), SDCL_EUSAGE);
    assert_string_equal(sdcl_last_error(), "cannot read no/such.ini: No such file or directory");
    assert_int_equal(config_open(&c, sections, NULL, folder, NULL, 0), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "Is a directory"));
    assert_int_equal(config_open(&c, sections, NULL, "/dev/zero", NULL, 0), SDCL_EUSAGE);
    assert_string_equal(sdcl_last_error(), "/dev/zero: more than 1 MB; this is no INI file");
}

static void test_set_malformed(void **state)
{
    (void)state;
    refuse_set("", "--set: '' is not section.key=value");
    refuse_set("mm_cpu.MR", "--set: 'mm_cpu.MR' is not section.key=value");
    refuse_set("MR=8", "--set: 'MR=8' is not section.key=value");
    refuse_set("=8", "--set: '=8' is not section.key=value");
    refuse_set("MR=8.5", "--set: 'MR=8.5' is not section.key=value");
}

static void test_set_unknown(void **state)
{
    (void)state;
    refuse_set("mm_cpi.MR=8", "--set: unknown section [mm_cpi]; did you mean 'mm_cpu'?");
    refuse_set("mm_cpu.NR=8", "--set: unknown key 'NR' in [mm_cpu]; did you mean 'MR'?");
    refuse_set("mm_cpu.MR =8", "--set: unknown key 'MR ' in [mm_cpu]; did you mean 'MR'?");
    refuse_set("mm_cpu.f8.MR=8", "--set: unknown section [mm_cpu.f8]; did you mean 'mm_cpu.f32'?");
    refuse_set("device.match=H100", "--set: unknown key 'match' in [device]");
    refuse_set(".=", "--set: unknown section []");
}

static void test_set_bad_value(void **state)
{
    (void)state;
    refuse_set("mm_cpu.MR=7", "--set: 'MR' in [mm_cpu] cannot be '7'; allowed: 4 6 8 12");
    refuse_set("mm_cpu.MR=", "--set: 'MR' in [mm_cpu] cannot be ''; allowed: 4 6 8 12");
    refuse_set("mm_cpu.MR= 8", "--set: 'MR' in [mm_cpu] cannot be ' 8'; allowed: 4 6 8 12");
    refuse_set("mm_cpu.MR=8=8", "--set: 'MR' in [mm_cpu] cannot be '8=8'; allowed: 4 6 8 12");
}

static void test_set_long(void **state)
{
    (void)state;
    char text[5001];
    config *c = NULL;
    const char *set[] = {text};
    memset(text, 'a', sizeof text - 1);
    text[2500] = '.';
    text[4000] = '=';
    text[sizeof text - 1] = 0;
    assert_int_equal(config_open(&c, sections, NULL, NULL, set, 1), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "is not section.key=value"));
}

/* Files cut at any byte are taken or refused with a reason, never worse. */
static void test_truncated_anywhere(void **state)
{
    (void)state;
    static const char text[] = "; x\n[mm_cpu.f16]\nMR = 12\n[mm]\nimpl = auto\n[device]\nbinary_cache = off\n";
    for (size_t n = 0; n < sizeof text; n++) {
        config *c = NULL;
        write_file(text, n);
        int err = config_open(&c, sections, NULL, path, NULL, 0);
        if (err) {
            assert_int_equal(err, SDCL_EUSAGE);
            assert_non_null(strstr(sdcl_last_error(), "my.ini:"));
        }
        config_close(&c);
    }
}

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
        cmocka_unit_test(test_names_are_normalised),
        cmocka_unit_test(test_order_of_layers),
        cmocka_unit_test(test_each_in_order_with_origin),
        cmocka_unit_test(test_device_section_is_optional),
        cmocka_unit_test(test_wrong_shipped_file),
        cmocka_unit_test(test_unknown_section),
        cmocka_unit_test(test_precision_of_a_section_without),
        cmocka_unit_test(test_unknown_key),
        cmocka_unit_test(test_key_before_section),
        cmocka_unit_test(test_value_out_of_range),
        cmocka_unit_test(test_value_spelled_otherwise),
        cmocka_unit_test(test_build_options_do_not_pass),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_empty_value),
        cmocka_unit_test(test_duplicate_key),
        cmocka_unit_test(test_not_ini),
        cmocka_unit_test(test_first_error_is_reported),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_nul_byte),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_match_is_not_for_users),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_set_malformed),
        cmocka_unit_test(test_set_unknown),
        cmocka_unit_test(test_set_bad_value),
        cmocka_unit_test(test_set_long),
        cmocka_unit_test(test_truncated_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
