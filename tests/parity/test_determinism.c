/* SPDX-License-Identifier: MIT */
/* What a picture may not depend on: earlier jobs, its company, the program cache, the number of threads; and, within the bounds of parity, the
 * implementations that were chosen. `test_determinism draw FILE` draws the reference picture into a file: the tests run that as a
 * process of its own where the environment has to be another from the start. */
#include "compare.h"
#include "draw.h"
#include "golden_draw.h"
#include "scratch.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_ROOM = 512, SEED = 5 };

static const char MODEL[] = "tests/golden/tiny-a";
static const uint64_t reference_seed[] = {SEED};

static sdcl *session;
static drawing reference;

static int open_session(void **state)
{
    (void)state;
    sdcl_job j = small_job(reference_seed, 1);
    session = session_of(MODEL, NULL, NULL);
    draw(session, &j, &reference);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    drawing_free(&reference);
    sdcl_close(&session);
    return 0;
}

static void same_job_twice(void **state)
{
    (void)state;
    sdcl_job j = small_job(reference_seed, 1);
    drawing again, other;
    draw(session, &j, &again);
    assert_same_picture(&again, 0, &reference, 0);
    j.seeds = (const uint64_t[]){SEED + 1};
    draw(session, &j, &other);
    assert_memory_not_equal(other.rgb, reference.rgb, reference.each);
    drawing_free(&again);
    drawing_free(&other);
}

/* Seeds are drawn in batches; whichever batch and place a seed gets, its picture is the one it has alone. */
static void company_does_not_matter(void **state)
{
    static const uint64_t five[] = {9, 8, SEED, 1, SEED}, batch[] = {SEED - 1, SEED, SEED + 1};
    (void)state;
    drawing d;
    sdcl_job j = small_job(five, 5);
    draw(session, &j, &d);
    assert_same_picture(&d, 2, &reference, 0);
    assert_same_picture(&d, 4, &reference, 0);
    drawing_free(&d);
    j = small_job(batch, 3);
    draw(session, &j, &d);
    assert_same_picture(&d, 1, &reference, 0);
    drawing_free(&d);
}

/* The same with the pocket model, whose weights and layers are larger, at a size that no tile divides, and without guidance. */
static void company_does_not_matter_to_pocket(void **state)
{
    static const uint64_t alone[] = {SEED}, batch[] = {3, SEED};
    (void)state;
    sdcl *s = session_of("models/pocket", NULL, NULL);
    for (int guided = 0; guided < 2; guided++) {
        sdcl_job j = small_job(alone, 1);
        drawing one, two;
        j.width = 72;
        j.height = 40;
        j.steps = 2;
        j.cfg_scale = guided ? 6 : 1;
        draw(s, &j, &one);
        j.seeds = batch;
        j.count = 2;
        draw(s, &j, &two);
        assert_same_picture(&two, 1, &one, 0);
        drawing_free(&one);
        drawing_free(&two);
    }
    sdcl_close(&s);
}

/* --- other processes ------------------------------------------------------------------------------------------------- */

static int draw_into(const char *path)
{
    sdcl_job j = small_job(reference_seed, 1);
    drawing d;
    sdcl *s = session_of(MODEL, NULL, NULL);
    draw(s, &j, &d);
    FILE *f = fopen(path, "wb");
    int done = f && fwrite(d.rgb, d.each, 1, f) == 1;
    if (f && fclose(f)) done = 0;
    drawing_free(&d);
    sdcl_close(&s);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* setting: "NAME=value". */
static void same_in_a_process_with(const char *setting)
{
    extern char **environ;
    char self[PATH_ROOM], path[PATH_ROOM];
    scratch out;
    pid_t child;
    int status;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_in_range(n, 1, sizeof self - 2);
    self[n] = 0;
    assert_true(scratch_open(&out));
    snprintf(path, sizeof path, "%s/picture", out.folder);
    char setting_copy[PATH_ROOM];
    snprintf(setting_copy, sizeof setting_copy, "%s", setting);
    char *argv[] = {(char[]){"env"}, setting_copy, self, (char[]){"draw"}, path, NULL};
    assert_int_equal(posix_spawnp(&child, "env", NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    drawing d = {.rgb = malloc(reference.each + 1), .each = reference.each, .count = 1};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t bytes = fread(d.rgb, 1, reference.each + 1, f);
    fclose(f);
    scratch_close(&out);
    assert_int_equal(bytes, reference.each);
    assert_same_picture(&d, 0, &reference, 0);
    drawing_free(&d);
}

static void cold_program_cache(void **state)
{
    (void)state;
    scratch cache;
    char setting[PATH_ROOM];
    assert_true(scratch_open(&cache));
    snprintf(setting, sizeof setting, "POCL_CACHE_DIR=%s", cache.folder);
    same_in_a_process_with(setting);
    scratch_close(&cache);
}

static void one_thread(void **state)
{
    (void)state;
    same_in_a_process_with("POCL_MAX_PTHREAD_COUNT=1");
}

/* --- implementations -------------------------------------------------------------------------------------------------- */

/* The final latent of stages-a with the given choices is diffusers'. */
static void parity_with(const char *const *set)
{
    golden_list golden;
    char last[32];
    golden_open(&golden);
    const golden_case *c = golden_find(&golden, "stages-a");
    assert_non_null(c);
    snprintf(last, sizeof last, "latent_%03d.npy", c->job.steps - 1);
    sdcl *s = session_of(c->model, NULL, set);
    double nmse = golden_draw(s, c, "f32", last, compare_nmse), bound = c->bounds.latent_nmse;
    sdcl_close(&s);
    golden_close(&golden);
    if (!(nmse <= bound)) fail_msg("%s: NMSE of the final latent %.3g, at most %.3g expected", set[0], nmse, bound);
}

static void gpu_kernels(void **state)
{
    (void)state;
    parity_with((const char *const[]){"gemm.impl=gpu", "conv3x3.impl=gpu", "attention.impl=flash_gpu", NULL});
}

static void winograd_of_gpus(void **state)
{
    (void)state;
    parity_with((const char *const[]){"conv3x3.impl=winograd_gpu", NULL});
    parity_with((const char *const[]){"conv3x3.impl=winograd_gpu", "winograd_input_gpu.TILE=2", NULL});
}

static void sliced_attention(void **state)
{
    (void)state;
    parity_with((const char *const[]){"attention.impl=sliced", NULL});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_job_twice),
        cmocka_unit_test(company_does_not_matter),
        cmocka_unit_test(company_does_not_matter_to_pocket),
        cmocka_unit_test(cold_program_cache),
        cmocka_unit_test(one_thread),
        cmocka_unit_test(gpu_kernels),
        cmocka_unit_test(winograd_of_gpus),
        cmocka_unit_test(sliced_attention),
    };
    if (argc == 3 && !strcmp(argv[1], "draw")) return draw_into(argv[2]);
    return cmocka_run_group_tests(tests, open_session, close_session);
}
