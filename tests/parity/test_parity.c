/* SPDX-License-Identifier: MIT */
/* Every case of tests/golden against diffusers, stage by stage. Arguments: names of cases, to run only those. */
#include "compare.h"
#include "draw.h"
#include "golden.h"
#include "npy.h"
#include "scratch.h"

#include <dirent.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 512 };

static golden_list golden;

/* Cases of one model follow each other and share its session. */
static sdcl *session;
static char session_model[64];

static sdcl *session_for(const golden_case *c)
{
    if (!strcmp(session_model, c->model)) return session;
    sdcl_close(&session);
    session_model[0] = 0;
    session = session_of(c->model, c->model_config, NULL);
    snprintf(session_model, sizeof session_model, "%s", c->model);
    return session;
}

static int close_session(void **state)
{
    (void)state;
    sdcl_close(&session);
    return 0;
}

static bool begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

/* Whole ones are equal; the reference interpolates fractional ones between float32 logarithms. */
static bool same_timesteps(const npy *got, const npy *want)
{
    for (size_t i = 0; i < want->count; i++) {
        float a = got->f32[i], b = want->f32[i];
        if (a != b && !(b != floorf(b) && fabsf(a - b) <= 1e-6f * b)) return false;
    }
    return true;
}

/* What is wrong with a stage, or NULL; the text is valid until the next call. */
static const char *verdict(const golden_case *c, const char *file, const npy *got, const npy *want)
{
    static char text[128];
    if (!npy_alike(got, want)) return "another shape or type";
    size_t bytes = 4 * want->count;
    if (want->i32) return memcmp(got->i32, want->i32, bytes) ? "integers differ" : NULL;
    if (!compare_finite(got->f32, got->count)) return "not finite";
    if (begins(file, "noise")) return memcmp(got->f32, want->f32, bytes) ? "not bit for bit" : NULL;
    if (begins(file, "timesteps")) return same_timesteps(got, want) ? NULL : "timesteps differ";
    if (begins(file, "image")) {
        double psnr = compare_psnr(got->f32, want->f32, want->count);
        if (psnr >= c->bounds.psnr) return NULL;
        snprintf(text, sizeof text, "%.1f dB, at least %.1f expected", psnr, c->bounds.psnr);
        return text;
    }
    bool early = begins(file, "context") || begins(file, "latent_init") || begins(file, "eps_000");
    double nmse = compare_nmse(got->f32, want->f32, want->count),
           bound = early ? c->bounds.eps_nmse : c->bounds.latent_nmse;
    if (nmse <= bound) return NULL;
    snprintf(text, sizeof text, "NMSE %.3g, at most %.3g expected", nmse, bound);
    return text;
}

/* Compares the .npy files that both folders have, in the order of their names; only: NULL, or a list of those wanted and a NULL. */
static void compare_folders(const golden_case *c, const char *mine, const char *reference, const char *const *only,
                            int *compared, int *wrong)
{
    struct dirent **list;
    int n = scandir(reference, &list, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        const char *file = list[i]->d_name, *suffix = strrchr(file, '.');
        char a[PATH_ROOM], b[PATH_ROOM];
        snprintf(a, sizeof a, "%s/%s", mine, file);
        snprintf(b, sizeof b, "%s/%s", reference, file);
        bool wanted = suffix && !strcmp(suffix, ".npy") && access(a, F_OK) == 0;
        for (int k = 0; wanted && only && (wanted = only[k] != NULL) && strcmp(only[k], file); k++) {
        }
        npy got, want;
        if (wanted) {
            assert_true(npy_read(&got, a));
            assert_true(npy_read(&want, b));
            const char *bad = verdict(c, file, &got, &want);
            if (bad) print_error("%s/%s: %s\n", c->name, file, bad);
            *compared += 1;
            *wrong += bad != NULL;
            npy_free(&got);
            npy_free(&want);
        }
        free(list[i]);
    }
    free(list);
}

/* The picture of 8 bits: rounding may fall the other way in few places, and by one. */
static void compare_png(const golden_case *c, const drawing *d)
{
    char path[PATH_ROOM];
    png_image png = {.version = PNG_IMAGE_VERSION};
    snprintf(path, sizeof path, "%s/image_0.png", c->folder);
    if (access(path, F_OK)) return;
    assert_true(png_image_begin_read_from_file(&png, path));
    png.format = PNG_FORMAT_RGB;
    assert_int_equal(PNG_IMAGE_SIZE(png), d->each);
    unsigned char *want = malloc(d->each);
    assert_non_null(want);
    assert_true(png_image_finish_read(&png, NULL, want, 0, NULL));
    int largest;
    size_t differ = compare_bytes(d->rgb, want, d->each, &largest);
    free(want);
    if (largest <= 1 && differ <= d->each / 50) return;
    fail_msg("%s/image_0.png: %zu of %zu values differ, by at most %d", c->name, differ, d->each, largest);
}

/* The stages every run must have written; an unwritten one would not be compared. */
static void check_complete(const golden_case *c, const char *folder)
{
    static const char *const always[] = {"tokens", "context", "noise", "latent_init", "timesteps", "eps_000", "image"};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        snprintf(path, sizeof path, "%s/%s.npy", folder, always[i]);
        if (access(path, F_OK)) fail_msg("%s: no %s.npy was written", c->name, always[i]);
    }
    snprintf(path, sizeof path, "%s/latent_%03d.npy", folder, c->job.steps - 1);
    if (access(path, F_OK)) fail_msg("%s: no last latent was written", c->name);
}

static void same_as_diffusers(void **state)
{
    const golden_case *c = *state;
    scratch dump;
    drawing d;
    int compared = 0, wrong = 0;
    sdcl_job j = c->job;
    assert_true(scratch_open(&dump));
    j.dump = dump.folder;
    draw(session_for(c), &j, &d);
    check_complete(c, dump.folder);
    compare_folders(c, dump.folder, c->folder, NULL, &compared, &wrong);
    if (begins(c->name, "sampler-")) {
        static const char *const shared[] = {"noise.npy", "tokens.npy", NULL};
        compare_folders(c, dump.folder, "tests/golden/dump/sampler-noise", shared, &compared, &wrong);
    }
    scratch_close(&dump);
    assert_true(compared >= 5);
    assert_int_equal(wrong, 0);
    compare_png(c, &d);
    drawing_free(&d);
}

int main(int argc, char **argv)
{
    golden_open(&golden);
    struct CMUnitTest *tests = calloc((size_t)golden.count + 1, sizeof *tests);
    size_t count = 0;
    if (!tests) return EXIT_FAILURE;
    for (int i = 0; i < golden.count; i++) {
        golden_case *c = &golden.cases[i];
        bool wanted = argc < 2;
        for (int k = 1; k < argc; k++) wanted = wanted || !strcmp(argv[k], c->name);
        if (wanted)
            tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = same_as_diffusers, .initial_state = c};
    }
    int failed = _cmocka_run_group_tests("parity", tests, count, NULL, close_session);
    free(tests);
    golden_close(&golden);
    return failed;
}
