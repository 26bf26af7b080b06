/* SPDX-License-Identifier: MIT */
/* What the program makes of a job: file names, the text in a picture, JSON and the progress line. */
#include "cli/infotext.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/nearest.h"
#include "cli/output_name.h"
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256];
static output_names names;
static const uint64_t seeds[] = {5, 6, 7};

/* Every test runs inside an empty folder. */
static int setup(void **state)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/sdcl-output-XXXXXX", base ? base : "/tmp");
    *state = getcwd(NULL, 0);
    return *state && mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    output_close(&names);
    int left = chdir(*state);
    free(*state);
    return left || rmdir(folder); /* fails when a probe was left behind */
}

static output_request request(const char *given, int count)
{
    return (output_request){.given = given,
                            .count = count,
                            .seeds = seeds,
                            .prompt = "a red fox",
                            .sampler = "euler_a",
                            .steps = 20,
                            .width = 512,
                            .height = 768,
                            .now = 1700000000};
}

static int plan(const char *given, int count)
{
    output_request r = request(given, count);
    output_close(&names);
    return output_plan(&names, &r);
}

static void touch(const char *name)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fclose(f);
}

static void test_default_is_the_seed(void **state)
{
    (void)state;
    assert_int_equal(plan(NULL, 3), 0);
    assert_string_equal(names.path[0], "5.png");
    assert_string_equal(names.path[2], "7.png");
}

static void test_default_avoids_what_is_taken(void **state)
{
    (void)state;
    touch("5.png");
    touch("5-1.png");
    assert_int_equal(plan(NULL, 2), 0);
    assert_string_equal(names.path[0], "5-2.png");
    assert_string_equal(names.path[1], "6.png");
    touch("5-2.png");
    assert_int_equal(output_avoid(&names, 0, false), 0);
    assert_string_equal(names.path[0], "5-2-1.png");
    output_request r = request(NULL, 1);
    r.force = true;
    output_close(&names);
    assert_int_equal(output_plan(&names, &r), 0);
    assert_string_equal(names.path[0], "5.png");
    unlink("5.png");
    unlink("5-1.png");
    unlink("5-2.png");
}

static void test_default_with_one_seed_for_all(void **state)
{
    (void)state;
    static const uint64_t same[] = {9, 9, 9};
    output_request r = request(NULL, 3);
    r.seeds = same;
    assert_int_equal(output_plan(&names, &r), 0);
    assert_string_equal(names.path[0], "9.png");
    assert_string_equal(names.path[1], "9-1.png");
    assert_string_equal(names.path[2], "9-2.png");
}

static void test_plain_file(void **state)
{
    (void)state;
    assert_int_equal(plan("a.b/../x.png", 1), SDCL_EOUTPUT);
    assert_int_equal(plan("x.png", 1), 0);
    assert_string_equal(names.path[0], "x.png");
    assert_int_equal(plan("x.png", 2), 0);
    assert_string_equal(names.path[0], "x-1.png");
    assert_string_equal(names.path[1], "x-2.png");
    assert_int_equal(plan("./noextension", 2), 0);
    assert_string_equal(names.path[1], "./noextension-2");
    assert_int_equal(plan(".hidden", 2), 0);
    assert_string_equal(names.path[0], ".hidden-1");
}

static void test_template_words(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    assert_int_equal(plan("[index]_[seed]_[prompt]_[steps]_[sampler]_[width]x[height]_[date].png", 2), 0);
    assert_string_equal(names.path[1], "2_6_a_red_fox_20_euler_a_512x768_2023-11-14.png");
    assert_int_equal(plan("[1][A][].png", 1), 0);
    assert_string_equal(names.path[0], "[1][A][].png");
}

static void test_template_without_a_difference_is_numbered(void **state)
{
    (void)state;
    assert_int_equal(plan("[prompt].png", 2), 0);
    assert_string_equal(names.path[0], "a_red_fox-1.png");
    assert_string_equal(names.path[1], "a_red_fox-2.png");
}

static void test_unknown_word(void **state)
{
    (void)state;
    assert_int_equal(plan("[sede].png", 1), SDCL_EUSAGE);
    assert_non_null(strstr(cli_last_hint(), "[seed]"));
    assert_int_equal(plan("x.jpg", 1), SDCL_EUSAGE);
    assert_int_equal(plan("x.JPEG", 1), SDCL_EUSAGE);
}

static void test_prompt_is_sanitised(void **state)
{
    (void)state;
    output_request r = request("[prompt].png", 1);
    r.prompt = "../a/b\\c:*?\"<>|\n\x7f\xc2\x9b$(x)`;&'caf\xc3\xa9";
    assert_int_equal(output_plan(&names, &r), 0);
    assert_string_equal(names.path[0], "_.._a_b_c___________(x)____caf\xc3\xa9.png");
}

static void test_long_prompt_is_cut_between_characters(void **state)
{
    (void)state;
    char prompt[1201];
    for (size_t i = 0; i < 1200; i += 3) memcpy(prompt + i, "\xe7\x8b\x90", 4);
    output_request r = request("[prompt] [seed] [prompt].png", 1);
    r.prompt = prompt;
    assert_int_equal(output_plan(&names, &r), 0);
    size_t n = strlen(names.path[0]);
    assert_true(n <= OUTPUT_NAME_MAX && n > 150);
    assert_int_equal((strcspn(names.path[0], " ")) % 3, 0);
    assert_string_equal(names.path[0] + n - 4, ".png");
}

static void test_existing_file(void **state)
{
    (void)state;
    touch("x.png");
    assert_int_equal(plan("x.png", 1), SDCL_EOUTPUT);
    assert_non_null(strstr(cli_last_hint(), "--force"));
    assert_int_equal(plan("x.png", 2), 0);
    output_request r = request("x.png", 1);
    r.force = true;
    output_close(&names);
    assert_int_equal(output_plan(&names, &r), 0);
    unlink("x.png");
    assert_int_equal(symlink("nowhere", "x.png"), 0);
    assert_int_equal(plan("x.png", 1), SDCL_EOUTPUT);
    unlink("x.png");
}

static void test_what_is_no_regular_file(void **state)
{
    (void)state;
    output_request r = request("fifo", 1);
    r.force = true;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(output_plan(&names, &r), SDCL_EOUTPUT);
    unlink("fifo");
    r.given = ".";
    assert_int_equal(output_plan(&names, &r), SDCL_EOUTPUT);
    r.given = "./";
    assert_int_equal(output_plan(&names, &r), SDCL_EOUTPUT);
    assert_non_null(strstr(cli_last_hint(), "./[seed].png"));
    r.given = "/dev/null";
    assert_int_equal(output_plan(&names, &r), SDCL_EOUTPUT);
}

static void test_folder_that_cannot_be_written(void **state)
{
    (void)state;
    assert_int_equal(plan("missing/x.png", 1), SDCL_EOUTPUT);
    assert_non_null(strstr(cli_last_hint(), "mkdir"));
    assert_int_equal(plan("/proc/x.png", 1), SDCL_EOUTPUT);
    touch("file");
    assert_int_equal(plan("file/x.png", 1), SDCL_EOUTPUT);
    unlink("file");
}

static void test_standard_output(void **state)
{
    (void)state;
    assert_int_equal(plan("-", 2), SDCL_EUSAGE);
    if (isatty(STDOUT_FILENO)) assert_int_equal(plan("-", 1), SDCL_EOUTPUT);
    else assert_int_equal(plan("-", 1), 0);
    assert_null(names.path);
}

static void test_names_that_wait_for_the_model(void **state)
{
    (void)state;
    output_request r = request("[seed].png", 1);
    r.width = r.steps = 0;
    r.sampler = NULL;
    assert_false(output_needs_model(&r));
    r.given = "[steps].png";
    assert_true(output_needs_model(&r));
    r.given = "[sampler].png";
    assert_true(output_needs_model(&r));
    r.given = "[height].png";
    assert_false(output_needs_model(&r));
    r.given = NULL;
    assert_false(output_needs_model(&r));
}

/* --- text of a picture --- */

static void assert_infotext(const sdcl_job *job, const char *model, const char *hash, const char *vae,
                            const char *expected)
{
    sdcl_image image = {.width = 512,
                        .height = 768,
                        .seed = UINT64_MAX,
                        .sampler = "euler_a",
                        .schedule = "karras",
                        .steps = 20,
                        .cfg_scale = 7.5};
    char *text = infotext(job, &image, model, hash, vae, "c6a580b13a");
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_infotext(void **state)
{
    (void)state;
    assert_infotext(
        &(sdcl_job){.prompt = "a fox", .negative = "blurry"}, "/models/v1-5.safetensors", "6ce0161689", NULL,
        "a fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7.5, Seed: "
        "18446744073709551615, Size: 512x768, Model hash: 6ce0161689, Model: v1-5, RNG: CPU, Version: "
        "sdcl " SDCL_VERSION);
}

static void test_infotext_with_a_vae(void **state)
{
    (void)state;
    assert_infotext(&(sdcl_job){.prompt = "", .negative = ""}, "v1-4.ckpt", "fe4efff1e1", "vae/mse-840000.safetensors",
                    "Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7.5, Seed: 18446744073709551615, "
                    "Size: 512x768, "
                    "Model hash: fe4efff1e1, Model: v1-4, VAE hash: c6a580b13a, VAE: mse-840000.safetensors, RNG: CPU, "
                    "Version: sdcl " SDCL_VERSION);
}

static void test_infotext_without_the_optional_parts(void **state)
{
    (void)state;
    assert_infotext(&(sdcl_job){.prompt = "", .negative = "", .eta = 0.25, .eta_set = 1}, "dir/a, b: c/", "", NULL,
                    "Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7.5, Seed: 18446744073709551615, "
                    "Size: 512x768, "
                    "Model: \"a, b: c\", RNG: CPU, Eta: 0.25, Version: sdcl " SDCL_VERSION);
}

/* --- JSON, progress, suggestions --- */

static void test_json(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    json_quote(f, "a\"b\\c\n\t\x1b\x7f\xff\xc3\xa9");
    static const double numbers[] = {7.5, 0.1, 7, 1.0 / 3};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        fputc(' ', f);
        json_number(f, numbers[i]);
    }
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, "\"a\\\"b\\\\c\\n\\u0009\\u001b\\u007f\\ufffd\xc3\xa9\" 7.5 0.1 7 0.3333333333333333");
    free(text);
}

static void assert_progress(sdcl_progress now, int width, const char *expected)
{
    char line[256];
    progress_format(line, sizeof line, &now, width);
    assert_string_equal(line, expected);
}

static void test_progress_line(void **state)
{
    (void)state;
    assert_progress((sdcl_progress){"unet", 12, 20, 5.2, 0, 1}, 80, "unet 12/20 [00:05<00:03, 2.31it/s]");
    assert_progress((sdcl_progress){"unet", 1, 3, 90, 1, 4}, 80, "picture 2/4  unet 1/3 [01:30<03:00, 90.00s/it]");
    assert_progress((sdcl_progress){"compile", 0, 0, 3661, 0, 1}, 80, "compile [1:01:01]");
    assert_progress((sdcl_progress){"unet", 0, 20, 0, 0, 1}, 80, "unet 0/20 [00:00]");
    assert_progress((sdcl_progress){"unet", 12, 20, 5.2, 0, 1}, 11, "unet 12/20");
    assert_progress((sdcl_progress){"unet", 12, 20, 1e300, 0, 1}, 20, "unet 12/20 [99:59:5");
}

static void test_progress_is_off_when_quiet_or_in_a_pipe(void **state)
{
    (void)state;
    progress p;
    progress_begin(&p, "json", false);
    assert_int_equal(p.mode, PROGRESS_JSON);
    progress_begin(&p, "json", true);
    assert_int_equal(p.mode, PROGRESS_OFF);
    progress_begin(&p, "off", false);
    assert_int_equal(p.mode, PROGRESS_OFF);
    progress_begin(&p, "auto", true);
    assert_int_equal(p.mode, PROGRESS_OFF);
}

static void test_nearest(void **state)
{
    (void)state;
    nearest n;
    nearest_begin(&n, "stpes");
    nearest_try_list(&n, "seed|steps|strength");
    assert_string_equal(nearest_word(&n), "steps");
    nearest_begin(&n, "qqqq");
    nearest_try_list(&n, "seed|steps|strength");
    assert_null(nearest_word(&n));
    nearest_begin(&n, "a word that is longer than any name of an option");
    nearest_try_list(&n, "seed|steps");
    assert_null(nearest_word(&n));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_default_is_the_seed),
        CASE(test_default_avoids_what_is_taken),
        CASE(test_default_with_one_seed_for_all),
        CASE(test_plain_file),
        CASE(test_template_words),
        CASE(test_template_without_a_difference_is_numbered),
        CASE(test_unknown_word),
        CASE(test_prompt_is_sanitised),
        CASE(test_long_prompt_is_cut_between_characters),
        CASE(test_existing_file),
        CASE(test_what_is_no_regular_file),
        CASE(test_folder_that_cannot_be_written),
        CASE(test_standard_output),
        CASE(test_names_that_wait_for_the_model),
        CASE(test_infotext),
        CASE(test_infotext_without_the_optional_parts),
        CASE(test_infotext_with_a_vae),
        CASE(test_json),
        CASE(test_progress_line),
        CASE(test_progress_is_off_when_quiet_or_in_a_pipe),
        CASE(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
