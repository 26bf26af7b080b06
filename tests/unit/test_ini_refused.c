/* SPDX-License-Identifier: MIT */
/* The INI overlay: what is refused, and how the error reads. */
#include "ini_fixture.h"

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
    assert_non_null(strstr(sdcl_last_error(), "it is no regular file"));
    assert_int_equal(config_open(&c, sections, NULL, "/dev/zero", NULL, 0), SDCL_EUSAGE);
    assert_string_equal(sdcl_last_error(), "cannot read /dev/zero: it is no regular file");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), (1 << 20) + 1), 0);
    fclose(f);
    assert_int_equal(config_open(&c, sections, NULL, path, NULL, 0), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "my.ini: more than 1 MB; this is no INI file"));
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
