/* SPDX-License-Identifier: MIT */
/* What a caller sees of a session at work: progress, interruption, warnings, and that jobs leave no trace in later ones. */
#include "draw.h"
#include "scratch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_ROOM = 1024, CANCEL_AT = 3 };

static const char MODEL[] = "tests/golden/tiny-b";
static const uint64_t seeds[] = {11, 12, 13, 14, 15};

/* What the callbacks have seen. */
typedef struct witness {
    char stages[8][16]; /* as they came, repetitions left out */
    int stage_count;
    sdcl_progress last;
    int backwards;              /* reports that go back within a stage, or are out of range */
    int unet_reports, finished; /* finished: reports of the UNet with step = steps */
    int cancel_at;              /* UNet step from which the job is to stop; 0: never */
    char warning[MESSAGE_ROOM];
    int warnings;
} witness;

static void on_progress(void *user, const sdcl_progress *p)
{
    witness *w = user;
    bool same = w->stage_count && !strcmp(w->stages[w->stage_count - 1], p->stage);
    if (!same && w->stage_count < 8) snprintf(w->stages[w->stage_count++], sizeof w->stages[0], "%s", p->stage);
    w->backwards += p->step < 0 || (p->steps && p->step > p->steps) || p->seconds < 0 || p->image < 0 ||
                    p->image > p->images;
    w->backwards += same && (p->step < w->last.step || p->image < w->last.image);
    if (!strcmp(p->stage, "unet")) {
        w->unet_reports++;
        w->finished += p->step == p->steps;
    }
    w->last = *p;
}

static int on_cancelled(void *user)
{
    const witness *w = user;
    return w->cancel_at && w->stage_count && !strcmp(w->stages[w->stage_count - 1], "unet") &&
           w->last.step >= w->cancel_at;
}

static void on_log(void *user, sdcl_level level, const char *message)
{
    witness *w = user;
    if (level != SDCL_WARNING) return;
    w->warnings++;
    snprintf(w->warning, sizeof w->warning, "%s", message);
}

static sdcl *session_with(witness *w)
{
    sdcl_params p;
    sdcl *s = NULL;
    *w = (witness){0};
    sdcl_params_init(&p);
    p.model = MODEL;
    p.precision = "f32";
    p.progress = on_progress;
    p.cancelled = on_cancelled;
    p.log = on_log;
    p.user = w;
    assert_done(sdcl_open(&s, &p));
    return s;
}

static witness seen;
static sdcl *session;

static int open_session(void **state)
{
    (void)state;
    session = session_with(&seen);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    sdcl_close(&session);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    seen = (witness){0};
    return 0;
}

/* The first job of a session: kernels and weights, in either order, come before the text. */
static void stages_come_in_order(void **state)
{
    static const char *const order[] = {"load", "text", "unet", "vae"};
    (void)state;
    drawing d;
    sdcl_job j = small_job(seeds, 1);
    draw(session, &j, &d);
    drawing_free(&d);
    int count = sizeof order / sizeof *order, next = 0;
    for (int i = 0; i < seen.stage_count; i++) {
        if (i < 2 && !strcmp(seen.stages[i], "compile")) continue;
        assert_true(next < count);
        assert_string_equal(seen.stages[i], order[next++]);
    }
    assert_int_equal(next, count);
    assert_int_equal(seen.backwards, 0);
    assert_in_range(seen.unet_reports, j.steps, j.steps + 1);
    assert_int_equal(seen.finished, 1);
}

static int count_pictures(void *user, const sdcl_image *image)
{
    (void)image;
    ++*(int *)user;
    return 0;
}

/* It stops at that step, draws nothing, and the session is as good as before. */
static void cancelled_at_a_step(void **state)
{
    (void)state;
    int pictures = 0;
    drawing before, after;
    sdcl_job j = small_job(seeds, 1);
    j.steps = 8;
    draw(session, &j, &before);
    seen = (witness){.cancel_at = CANCEL_AT};
    assert_int_equal(sdcl_generate(session, &j, count_pictures, &pictures), SDCL_EINTERRUPTED);
    assert_int_equal(pictures, 0);
    assert_int_equal(seen.last.step, CANCEL_AT);
    seen = (witness){0};
    draw(session, &j, &after);
    assert_same_picture(&after, 0, &before, 0);
    drawing_free(&before);
    drawing_free(&after);
}

static int stop_at_second(void *user, const sdcl_image *image)
{
    ++*(int *)user;
    return image->index == 1 ? SDCL_EOUTPUT : 0;
}

static void callback_stops_the_job(void **state)
{
    (void)state;
    int pictures = 0;
    sdcl_job j = small_job(seeds, 3);
    assert_int_equal(sdcl_generate(session, &j, stop_at_second, &pictures), SDCL_EOUTPUT);
    assert_int_equal(pictures, 2);
}

/* Also without anybody to take the pictures. */
static void no_callback(void **state)
{
    (void)state;
    sdcl_job j = small_job(seeds, 1);
    assert_done(sdcl_generate(session, &j, NULL, NULL));
}

static void lost_text_is_quoted_once(void **state)
{
    (void)state;
    char prompt[1024] = "";
    drawing d;
    sdcl_job j = small_job(seeds, 5); /* two batches */
    for (int i = 0; i < 60; i++) strcat(prompt, "very old, ");
    strcat(prompt, "zebra crossing");
    j.prompt = prompt;
    j.steps = 1;
    draw(session, &j, &d);
    drawing_free(&d);
    assert_int_equal(seen.warnings, 1);
    assert_non_null(strstr(seen.warning, "zebra crossing"));
    assert_non_null(strstr(seen.warning, "prompt"));
    seen = (witness){0};
    j.count = 1;
    j.negative = prompt;
    j.prompt = "short";
    draw(session, &j, &d);
    drawing_free(&d);
    assert_int_equal(seen.warnings, 1);
    assert_non_null(strstr(seen.warning, "negative prompt"));
    assert_non_null(strstr(seen.warning, "zebra crossing"));
}

/* Jobs of several sizes, counts and settings one after the other draw what fresh sessions draw. */
static void reuse_leaves_no_trace(void **state)
{
    static const struct {
        int width, height, count;
        double cfg_scale;
        const char *sampler, *prompt;
    } jobs[] = {
        {64, 64, 1, 7.5, "euler_a", "a lighthouse at night"}, {40, 96, 1, 7.5, "dpmpp_2m", "a lighthouse at night"},
        {64, 64, 2, 7.5, "euler_a", "a loaf of bread"},       {64, 64, 2, 1, "plms", "a loaf of bread"},
        {64, 64, 1, 7.5, "euler_a", "a lighthouse at night"},
    };
    enum { JOBS = sizeof jobs / sizeof *jobs };
    (void)state;
    drawing reused[JOBS];
    for (int fresh = 0; fresh < 2; fresh++)
        for (int i = 0; i < JOBS; i++) {
            sdcl_job j = small_job(seeds, jobs[i].count);
            j.width = jobs[i].width;
            j.height = jobs[i].height;
            j.cfg_scale = jobs[i].cfg_scale;
            j.sampler = jobs[i].sampler;
            j.prompt = jobs[i].prompt;
            if (!fresh) {
                draw(session, &j, &reused[i]);
                continue;
            }
            witness alone;
            drawing d;
            sdcl *s = session_with(&alone);
            draw(s, &j, &d);
            for (int k = 0; k < jobs[i].count; k++) assert_same_picture(&d, k, &reused[i], k);
            drawing_free(&d);
            sdcl_close(&s);
        }
    assert_same_picture(&reused[0], 0, &reused[JOBS - 1], 0);
    for (int i = 0; i < JOBS; i++) drawing_free(&reused[i]);
}

/* Values per shape give a weight another layout at another size: a session that changes sizes reads it again, and draws what a fresh one draws. */
static void layouts_follow_the_shape(void **state)
{
    static const char ini[] = "[gemm_cpu M=64]\nNV = 1\n[gemm_cpu M=256]\nNV = 2\n[conv3x3_cpu M=64]\nNV = 1\n"
                              "[conv3x3_cpu M=256]\nNV = 2\n[gemm_gpu M=64]\nBN = 16\n[gemm_gpu M=256]\nBN = 32\n"
                              "[conv3x3_gpu M=64]\nBN = 16\n[conv3x3_gpu M=256]\nBN = 32\n";
    static const int sides[] = {64, 128, 64};
    (void)state;
    scratch tmp;
    char path[300];
    sdcl_params p;
    drawing reused[3], fresh;
    sdcl *s = NULL;
    assert_true(scratch_open(&tmp));
    snprintf(path, sizeof path, "%s/shapes.ini", tmp.folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(ini, f) >= 0 && !fclose(f));
    sdcl_params_init(&p);
    p.model = MODEL;
    p.precision = "f32";
    p.config_file = path;
    assert_done(sdcl_open(&s, &p));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 3; i++) {
            sdcl_job j = small_job(seeds, 1);
            j.width = j.height = sides[i];
            if (!pass) {
                draw(s, &j, &reused[i]);
                continue;
            }
            sdcl_close(&s);
            assert_done(sdcl_open(&s, &p));
            draw(s, &j, &fresh);
            assert_same_picture(&fresh, 0, &reused[i], 0);
            assert_int_equal(fresh.peak_device_bytes <= reused[i].peak_device_bytes, 1);
            drawing_free(&fresh);
        }
    for (int i = 0; i < 3; i++) drawing_free(&reused[i]);
    sdcl_close(&s);
    scratch_close(&tmp);
}

static void module_is_named(void *user, const sdcl_profile_row *r)
{
    const char *module = r->module;
    *(int *)user += r->calls;
    assert_true(*r->kernel && r->calls > 0 && r->milliseconds > 0);
    assert_true(*r->op || !strncmp(module, "load", 4));
    if (strncmp(module, "load", 4) && strncmp(module, "text", 4) && strncmp(module, "prologue", 8) &&
        strncmp(module, "unet", 4) && strncmp(module, "sampler", 7) && strncmp(module, "vae", 3))
        fail_msg("the profile has a module '%s'", module);
}

/* Batches of four and of one: the profile outlives the plans of the first. */
static void profile_of_two_shapes(void **state)
{
    (void)state;
    int calls = 0;
    sdcl *s = NULL;
    sdcl_params p;
    sdcl_job j = small_job(seeds, 5);
    sdcl_params_init(&p);
    p.model = MODEL;
    p.profile = 1;
    j.steps = 1;
    assert_done(sdcl_open(&s, &p));
    assert_done(sdcl_generate(s, &j, NULL, NULL));
    double seconds = 0;
    assert_done(sdcl_profile(s, module_is_named, &calls, &seconds));
    assert_true(seconds > 0);
    assert_true(calls > 100);
    sdcl_close(&s);
}

/* Time embeddings are computed 32 at a time: what a picture converges to does not depend on how many evaluations there are. */
static void more_evaluations_than_embeddings(void **state)
{
    static const int steps[] = {31, 48};
    enum { APART = 3 }; /* 0.6 is right; with the first 32 again for the last 16 it is 14 */
    (void)state;
    drawing d[2];
    double sum = 0;
    sdcl *s = session_of("models/pocket", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        sdcl_job j = small_job(seeds, 1);
        j.prompt = "an owl on a blue background";
        j.sampler = "dpmpp_2m";
        j.steps = steps[i];
        draw(s, &j, &d[i]);
    }
    for (size_t k = 0; k < d[0].each; k++) sum += abs(d[1].rgb[k] - d[0].rgb[k]);
    if (!(sum <= APART * (double)d[0].each)) fail_msg("values are %.1f apart", sum / (double)d[0].each);
    for (int i = 0; i < 2; i++) drawing_free(&d[i]);
    sdcl_close(&s);
}

static void config_and_device_of_a_session(void **state)
{
    (void)state;
    assert_true(sdcl_session_device(session)->name[0]);
    assert_string_equal(sdcl_session_model(session), MODEL);
    assert_int_equal(strlen(sdcl_session_model_hash(session)), 10);
}

static void close_twice(void **state)
{
    (void)state;
    witness w;
    sdcl *s = session_with(&w);
    sdcl_close(&s);
    assert_null(s);
    sdcl_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stages_come_in_order, forget),
        cmocka_unit_test_setup(cancelled_at_a_step, forget),
        cmocka_unit_test_setup(callback_stops_the_job, forget),
        cmocka_unit_test_setup(no_callback, forget),
        cmocka_unit_test_setup(lost_text_is_quoted_once, forget),
        cmocka_unit_test_setup(reuse_leaves_no_trace, forget),
        cmocka_unit_test_setup(layouts_follow_the_shape, forget),
        cmocka_unit_test_setup(profile_of_two_shapes, forget),
        cmocka_unit_test_setup(more_evaluations_than_embeddings, forget),
        cmocka_unit_test_setup(config_and_device_of_a_session, forget),
        cmocka_unit_test_setup(close_twice, forget),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
