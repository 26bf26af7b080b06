/* SPDX-License-Identifier: MIT */
/* The argument parser: what it takes, what it refuses, and what it says then. */
#include "cli/help.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static options o;

#define PARSE(...) parse((const char *[]){"sdcl", __VA_ARGS__, NULL})

static int parse(const char **words)
{
    int n = 0;
    while (words[n]) n++;
    options_close(&o);
    return options_parse(&o, n, (char *const *)(uintptr_t)words);
}

static void assert_refused(int status, const char *said, const char *hint)
{
    assert_int_equal(status, SDCL_EUSAGE);
    if (!strstr(cli_last_error(), said)) fail_msg("\"%s\" lacks \"%s\"", cli_last_error(), said);
    if (!strstr(cli_last_hint(), hint)) fail_msg("hint \"%s\" lacks \"%s\"", cli_last_hint(), hint);
}

static int teardown(void **state)
{
    (void)state;
    options_close(&o);
    return 0;
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "a fox"), 0);
    assert_int_equal(o.verb, VERB_GEN);
    assert_false(o.verb_given);
    assert_string_equal(o.job.prompt, "a fox");
    assert_string_equal(o.job.negative, "");
    assert_true(o.job.cfg_scale == 7.5);
    assert_int_equal(o.job.width, 0);
    assert_int_equal(o.job.steps, 0);
    assert_int_equal(o.batch, 1);
    assert_int_equal(o.seed_count, 0);
    assert_null(o.job.sampler);
    assert_null(o.output);
    assert_false(o.job.eta_set);
    assert_false(o.force);
    assert_string_equal(o.progress, "auto");
}

static void test_every_spelling_of_a_value(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("gen", "-p", "x", "-W512", "--height=768", "--steps", "30", "-qf", "-s", "7", "--cfg-scale=1e1"), 0);
    assert_true(o.verb_given);
    assert_int_equal(o.job.width, 512);
    assert_int_equal(o.job.height, 768);
    assert_int_equal(o.job.steps, 30);
    assert_true(o.job.cfg_scale == 10);
    assert_int_equal(o.verbosity, QUIET);
    assert_true(o.force);
    assert_int_equal(o.seeds[0], 7);
}

static void test_all_options_of_gen(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "x", "-n", "bad", "-m", "model", "--model-config", "mc", "-o", "o.png", "--eta", "0.5",
                           "--rng", "cpu", "--precision", "bf16", "--device", "1", "--config", "c.ini", "--set",
                           "a.b=c", "--set", "gemm.impl=", "--json", "--profile", "--dump", "d", "--dry-run",
                           "--no-metadata", "--force", "--progress", "json", "-v", "-b", "4", "--compat", "diffusers",
                           "--schedule", "karras"),
                     0);
    assert_string_equal(o.job.negative, "bad");
    assert_string_equal(o.params.model, "model");
    assert_string_equal(o.params.model_config, "mc");
    assert_string_equal(o.output, "o.png");
    assert_true(o.job.eta_set && o.job.eta == 0.5);
    assert_string_equal(o.params.precision, "bf16");
    assert_string_equal(o.params.device, "1");
    assert_string_equal(o.params.config_file, "c.ini");
    assert_int_equal(o.params.set_count, 2);
    assert_string_equal(o.params.set[1], "gemm.impl=");
    assert_true(o.json && o.dry_run && o.no_metadata && o.force && o.params.profile);
    assert_string_equal(o.job.dump, "d");
    assert_string_equal(o.progress, "json");
    assert_int_equal(o.verbosity, VERBOSE);
    assert_int_equal(o.batch, 4);
    assert_string_equal(o.compat, "diffusers");
    assert_string_equal(o.job.schedule, "karras");
}

static void test_empty_prompt_is_a_prompt(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", ""), 0);
    assert_int_equal(PARSE("--prompt="), 0);
    assert_refused(PARSE("--steps", "3"), "no prompt", "-p");
    assert_refused(PARSE("gen"), "no prompt", "-p");
}

static void test_values_may_begin_with_a_dash(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "-x", "-n", "--steps", "-s", "-1"), 0);
    assert_string_equal(o.job.prompt, "-x");
    assert_string_equal(o.job.negative, "--steps");
    assert_int_equal(o.seed_count, 0);
}

static void test_verbs(void **state)
{
    (void)state;
    assert_int_equal(PARSE("devices", "--json"), 0);
    assert_int_equal(o.verb, VERB_DEVICES);
    assert_int_equal(PARSE("inspect", "m", "--model-config", "c"), 0);
    assert_int_equal(o.verb, VERB_INSPECT);
    assert_string_equal(o.operand, "m");
    assert_int_equal(PARSE("info", "--json", "--", "--odd name.png"), 0);
    assert_string_equal(o.operand, "--odd name.png");
    assert_int_equal(PARSE("config", "--show-origin", "--set", "a.b=1"), 0);
    assert_true(o.show_origin);
    assert_refused(PARSE("inspect"), "needs an operand", "inspect MODEL");
    assert_refused(PARSE("inspect", "a", "b"), "unexpected argument 'b'", "");
    assert_refused(PARSE("devices", "--steps", "3"), "--steps is no option of devices", "--help");
}

static void test_unknown_verb(void **state)
{
    (void)state;
    assert_refused(PARSE("device"), "unknown verb 'device'", "sdcl devices");
    assert_refused(PARSE("a red fox"), "unknown verb", "-p");
    assert_refused(PARSE("help"), "unknown verb", "sdcl --help");
    assert_refused(PARSE("-p", "a", "red", "fox"), "unexpected argument 'red'", "quotes");
}

static void test_verbs_of_later_versions(void **state)
{
    (void)state;
    assert_refused(PARSE("serve"), "not in this version", "");
}

static void test_benchmarks(void **state)
{
    (void)state;
    options o;
    assert_int_equal(
        options_parse(&o, 8, (char *[]){"sdcl", "bench", "model", "--steps", "5", "--json", "-b", "2", NULL}), 0);
    assert_int_equal(o.verb, VERB_BENCH);
    assert_string_equal(o.operand, "model");
    assert_int_equal(o.job.steps, 5);
    assert_int_equal(o.batch, 2);
    assert_true(o.json);
    options_close(&o);
    assert_refused(PARSE("bench"), "bench needs an operand", "sdcl bench model|ops");
    assert_refused(PARSE("bench", "model", "ops"), "unexpected argument 'ops'", "sdcl bench model|ops");
    assert_refused(PARSE("bench", "op"), "bench op: no such benchmark", "bench takes model|ops");
    assert_refused(PARSE("bench", "ops", "--profile"), "--profile is for bench model", "");
    assert_refused(PARSE("bench", "model", "--prompt", "x"), "no option of bench", "sdcl bench --help");
}

static void test_options_of_later_versions(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "x", "--init-image", "a.png"), "--init-image: not in this version", "");
    assert_refused(PARSE("-p", "x", "--strength", "0.5"), "--strength: not in this version", "");
    assert_refused(PARSE("-p", "x", "--mask=a.png"), "--mask: not in this version", "");
    assert_refused(PARSE("-p", "x", "--rng", "nv"), "--rng nv: not in this version", "");
    assert_refused(PARSE("-p", "x", "--compat", "a1111"), "--compat a1111: not in this version", "");
    assert_refused(PARSE("-p", "x", "--sampler", "heun"), "--sampler heun: not in this version", "");
    assert_refused(PARSE("-p", "x", "--sampler", "restart"), "not in this version", "");
}

static void test_nearest_option(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "x", "--promt", "y"), "unknown option --promt", "--prompt?");
    assert_refused(PARSE("-p", "x", "--cfg=3"), "unknown option --cfg", "--cfg-scale?");
    assert_refused(PARSE("-p", "x", "--zzzzzzzz"), "unknown option", "--help lists");
    assert_refused(PARSE("-p", "x", "-x"), "unknown option -x", "--help");
    assert_refused(PARSE("devices", "--jsn"), "unknown option", "--json?");
}

static void test_missing_and_surplus_values(void **state)
{
    (void)state;
    assert_refused(PARSE("-p"), "--prompt needs a value", "");
    assert_refused(PARSE("-p", "x", "--steps"), "--steps needs a value", "");
    assert_refused(PARSE("-p", "x", "--json=yes"), "--json takes no value", "");
}

static void test_steps(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "abc", "", "0", "-1", "1001", "1e9", "20.0", " 20", "20 ", "0x10", "nan", "+5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(PARSE("-p", "x", "--steps", bad[i]), "--steps", "1 to 1000");
    assert_int_equal(PARSE("-p", "x", "--steps", "1"), 0);
    assert_int_equal(PARSE("-p", "x", "--steps", "1000"), 0);
    assert_int_equal(o.job.steps, 1000);
}

static void test_amounts(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "-1", "4.5", "", "aut", "auto|", "4G", "99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(PARSE("-p", "x", "--memory", bad[i]), "--memory", "auto, or 1 to");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(PARSE("-p", "x", "--vae-tile", bad[i]), "--vae-tile", "auto|off, or 1 to");
    assert_int_equal(PARSE("-p", "x", "--vae-tile", "off"), 0);
    assert_int_equal(o.params.vae_tile, -1);
    assert_int_equal(PARSE("-p", "x", "--vae-tile", "16"), 0);
    assert_int_equal(o.params.vae_tile, 16);
    assert_int_equal(PARSE("-p", "x", "--memory", "2400"), 0);
    assert_int_equal(o.params.vae_tile, 0);
    assert_int_equal(o.params.memory_mib, 2400);
    assert_int_equal(PARSE("-p", "x", "--memory", "auto"), 0);
    assert_int_equal(o.params.memory_mib, 0);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "x", "-W", "100"), "--width 100", "--width 96 or --width 104");
    assert_refused(PARSE("-p", "x", "-H", "4095"), "--height 4095", "--height 4088 or --height 4096");
    assert_refused(PARSE("-p", "x", "-W", "3"), "--width 3", "--width 8");
    assert_refused(PARSE("-p", "x", "-W", "0"), "--width 0", "8 to 4096");
    assert_refused(PARSE("-p", "x", "-W", "4104"), "--width 4104", "8 to 4096");
    assert_refused(PARSE("-p", "x", "-W", "-8"), "--width -8", "8 to 4096");
    assert_int_equal(PARSE("-p", "x", "-W", "8", "-H", "4096"), 0);
}

static void test_real_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"nan",   "inf",   "-0.1", "100.5", "7,5", "",
                                      "1e400", "0x1p3", " 7",   "7 ",    "e",   "--7"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(PARSE("-p", "x", "--cfg-scale", bad[i]), "--cfg-scale", "0 to 100");
    assert_refused(PARSE("-p", "x", "--eta", "1.5"), "--eta", "0 to 1");
    assert_int_equal(PARSE("-p", "x", "--cfg-scale", "0", "--eta", "0"), 0);
    assert_true(o.job.eta_set);
}

static void test_seed_lists(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "x", "-s", "1,5,10-12,5"), 0);
    static const uint64_t expected[] = {1, 5, 10, 11, 12, 5};
    assert_int_equal(o.seed_count, 6);
    assert_memory_equal(o.seeds, expected, sizeof expected);
    assert_int_equal(PARSE("-p", "x", "-s", "18446744073709551615"), 0);
    assert_true(o.seeds[0] == UINT64_MAX);
    assert_int_equal(PARSE("-p", "x", "-s", "18446744073709551614-18446744073709551615"), 0);
    assert_int_equal(o.seed_count, 2);
    assert_int_equal(PARSE("-p", "x", "-s", "0-9999"), 0);
    assert_int_equal(o.seed_count, SEEDS_MAX);
}

static void test_bad_seeds(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", ",", "1,", ",1", "1,,2", "5-3", "1-", "-2", "-1,5", "abc", "1.5", "18446744073709551616", "1 2", "0x5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(PARSE("-p", "x", "--seed", bad[i]), "--seed", "-1 draws one");
    assert_refused(PARSE("-p", "x", "-s", "0-10000"), "more than 10000", "");
    assert_refused(PARSE("-p", "x", "-s", "5,0-9999"), "more than 10000", "");
    assert_refused(PARSE("-p", "x", "-s", "0-18446744073709551615"), "more than 10000", "");
}

static void test_seeds_with_a_batch(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "x", "-s", "1,2", "-b", "2"), "--batch 2", "either");
    assert_refused(PARSE("-p", "x", "-s", "18446744073709551615", "-b", "2"), "last seed", "");
    assert_int_equal(PARSE("-p", "x", "-s", "18446744073709551614", "-b", "2"), 0);
    assert_int_equal(PARSE("-p", "x", "-s", "1-3", "-b", "1"), 0);
    assert_refused(PARSE("-p", "x", "-b", "0"), "--batch", "1 to 1000");
    assert_refused(PARSE("-p", "x", "-b", "1001"), "--batch", "1 to 1000");
}

static void test_samplers(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "x", "--sampler", "Euler a"), 0);
    assert_string_equal(o.job.sampler, "euler_a");
    assert_string_equal(o.sampler, "Euler a");
    assert_null(o.job.schedule);
    assert_refused(PARSE("-p", "x", "--sampler", "eular"), "unknown sampler", "euler?");
    assert_refused(PARSE("-p", "x", "--sampler", "quite unlike"), "unknown sampler", "--help");
    for (int i = 0; sdcl_sampler_name(i); i++) assert_int_equal(PARSE("-p", "x", "--sampler", sdcl_sampler_name(i)), 0);
}

static void test_schedule_in_a_samplers_name(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "x", "--sampler", "DPM++ 2M Karras"), 0);
    assert_string_equal(o.job.sampler, "dpmpp_2m");
    assert_string_equal(o.job.schedule, "karras");
    assert_int_equal(PARSE("-p", "x", "--schedule", "default", "--sampler", "DPM++ 2M Karras"), 0);
    assert_string_equal(o.job.schedule, "default");
    assert_int_equal(PARSE("-p", "x", "--sampler", "DPM++ 2M Karras", "--sampler", "euler"), 0);
    assert_null(o.job.schedule);
}

static void test_schedules(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-p", "x", "--schedule", "Karras"), 0);
    assert_string_equal(o.job.schedule, "karras");
    assert_refused(PARSE("-p", "x", "--schedule", "karas"), "unknown schedule", "karras?");
}

static void test_choices(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "x", "--precision", "f8"), "--precision f8", "auto|f32|f16|bf16");
    assert_refused(PARSE("-p", "x", "--precision", ""), "--precision ''", "auto|f32|f16|bf16");
    assert_refused(PARSE("-p", "x", "--precision", "f32|f16"), "--precision", "auto|f32|f16|bf16");
    assert_refused(PARSE("-p", "x", "--progress", "on"), "--progress on", "auto|json|off");
    assert_refused(PARSE("-p", "x", "--compat", "kandinsky"), "--compat", "diffusers");
}

static void test_set(void **state)
{
    (void)state;
    static const char *const bad[] = {"foo", "a=b", ".k=v", "s.=v", "a=b.c", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(PARSE("-p", "x", "--set", bad[i]), "section.key=value", "config");
}

static void test_prompt_has_to_be_utf8(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "\xff"), "UTF-8", "");
    assert_refused(PARSE("-p", "\xc0\xaf"), "UTF-8", "");
    assert_refused(PARSE("-p", "\xed\xa0\x80"), "UTF-8", "");
    assert_refused(PARSE("-p", "x", "-n", "caf\xe9"), "UTF-8", "");
    assert_int_equal(PARSE("-p", "\xf0\x9f\xa6\x8a caf\xc3\xa9"), 0);
}

static void test_standard_output_is_for_one_thing(void **state)
{
    (void)state;
    assert_refused(PARSE("-p", "x", "-o", "-", "--json"), "standard output", "");
}

static void test_help_and_version_come_first(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), 0);
    assert_true(o.help && !o.verb_given);
    assert_int_equal(PARSE("info", "-h"), 0);
    assert_true(o.help && o.verb_given);
    assert_int_equal(PARSE("--version"), 0);
    assert_true(o.version);
    assert_refused(parse((const char *[]){"sdcl", NULL}), "no prompt", "--help");
}

static void test_help_fits_and_lists_every_option(void **state)
{
    (void)state;
    for (int v = 0; v < VERB_COUNT; v++) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        assert_non_null(f);
        help_print(f, (verb_id)v, v == VERB_GEN);
        assert_int_equal(fclose(f), 0);
        for (const option *d = option_table; d->name; d++) {
            char spelling[40];
            bool listed = false;
            for (const option *e = option_table; e->name; e++)
                listed |= !strcmp(d->name, e->name) && e->verbs >> v & 1 && e->kind != OPTION_LATER;
            snprintf(spelling, sizeof spelling, " --%s ", d->name);
            if (listed != !!strstr(text, spelling)) fail_msg("%s in the help of %s", spelling, verbs[v].name);
        }
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            if (strlen(line) > 80) fail_msg("wider than 80: %s", line);
        free(text);
    }
}

static void test_table_is_consistent(void **state)
{
    (void)state;
    for (const option *a = option_table; a->name; a++) {
        if (a->kind != OPTION_LATER) assert_true(a->verbs && a->help[0] && a->offset < sizeof(options));
        for (const option *b = a + 1; b->name; b++) {
            if (!(a->verbs & b->verbs)) continue;
            assert_string_not_equal(a->name, b->name);
            if (a->letter) assert_int_not_equal(a->letter, b->letter);
        }
    }
}

static void test_report_keeps_to_six_harmless_lines(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    cli_fail(SDCL_EMODEL, "a\033[31m\xc2\x9b\nb\nc\nd\ne\nf\ng");
    cli_hint("try\nthis");
    cli_report(f);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, "sdcl: a\\x1b[31m\\x9b\n  b\n  c\n  d\n  e ...\nhint: try this\n");
    free(text);
}

#define CASE(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_defaults),
        CASE(test_every_spelling_of_a_value),
        CASE(test_all_options_of_gen),
        CASE(test_empty_prompt_is_a_prompt),
        CASE(test_values_may_begin_with_a_dash),
        CASE(test_verbs),
        CASE(test_unknown_verb),
        CASE(test_verbs_of_later_versions),
        CASE(test_benchmarks),
        CASE(test_options_of_later_versions),
        CASE(test_nearest_option),
        CASE(test_missing_and_surplus_values),
        CASE(test_steps),
        CASE(test_amounts),
        CASE(test_sizes),
        CASE(test_real_numbers),
        CASE(test_seed_lists),
        CASE(test_bad_seeds),
        CASE(test_seeds_with_a_batch),
        CASE(test_samplers),
        CASE(test_schedule_in_a_samplers_name),
        CASE(test_schedules),
        CASE(test_choices),
        CASE(test_set),
        CASE(test_prompt_has_to_be_utf8),
        CASE(test_standard_output_is_for_one_thing),
        CASE(test_help_and_version_come_first),
        CASE(test_help_fits_and_lists_every_option),
        CASE(test_table_is_consistent),
        CASE(test_report_keeps_to_six_harmless_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
