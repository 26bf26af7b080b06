/* SPDX-License-Identifier: MIT */
/* A against B: a whole picture with the values in force and with others, in turn, each in a process of its own. */
#include "tune/tune.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WAYS_MAX = 3,
    ROUNDS = 3,
    ROUNDS_MAX = 9,
    STEPS_COMPARED = 4,
    STEPS_OF_A_PICTURE = 20,
    STEPS_MIN = 3,
    STEPS_MAX = 60
};

/* Times the fastest, seen twice: not measured again. Once does not tell slow values from a machine that was busy with something else. */
#define FAR 2.0
#define AGAIN 1.03   /* times the least: another round that came so near has seen it too */
#define CLEARLY 0.98 /* times what whole pictures take: they waver more than a step alone */

static const double SECONDS_A_RUN = 2, SECONDS_MAX = 120, TIMEOUT = 900;

static double seconds_of(const json_t *reply, const char *name)
{
    return json_number_value(json_object_get(json_object_get(reply, name), "min"));
}

/* Seconds a picture; *step_s: of one step. SDCL_ERESULT: it does not run to the end. */
static int run_model(tuner *t, const char *config_file, int steps, sdcl_tune_result *r, double *step_s,
                     double *picture_s)
{
    int err = 0;
    char why[256];
    json_t *reply = NULL, *request = request_model(t, config_file, steps);
    *picture_s = 0;
    TRY(process_ask(t, request, TIMEOUT, &reply, why, sizeof why));
    if (!reply || !json_is_true(json_object_get(reply, "ok"))) {
        const char *text = reply ? json_string_value(json_object_get(reply, "why")) : why;
        TRY(FAIL(SDCL_ERESULT, "a picture with %s: %s", config_file ? config_file : "the values in force", text));
    }
    *step_s = seconds_of(reply, "unet");
    *picture_s = seconds_of(reply, "text") + STEPS_OF_A_PICTURE * *step_s + seconds_of(reply, "vae");
    /* Other work on the machine shows in a peak: the highest is it. */
    r->peak_gflops = fmax(r->peak_gflops, json_number_value(json_object_get(reply, "peak_gflops")));
    r->copy_gbs = fmax(r->copy_gbs, json_number_value(json_object_get(reply, "copy_gbs")));
out:
    json_decref(request);
    json_decref(reply);
    return err;
}

/* Shapes of a file make no picture: the sum of their steps, as measured by the search. */
static void sum_keys(const tuner *t, sdcl_tune_result *r)
{
    bool fails = false;
    for (int i = 0; i < t->key_count; i++) {
        const tune_key *k = &t->key[i];
        double first = key_first_ms(k), best = key_ms(k);
        fails = fails || (best > 0 && !(first > 0));
        r->before_s += k->count * first * 1e-3;
        r->after_s += k->count * best * 1e-3;
    }
    if (fails) r->before_s = 0;
}

/* A way's rounds: the least and the next, seconds a picture; 0: none yet, as where it does not run. */
typedef struct rounds {
    double least, next;
} rounds;

static void note_round(rounds *r, double s)
{
    if (!(s > 0)) return;
    if (!(r->least > 0) || s < r->least) {
        r->next = r->least;
        r->least = s;
    } else if (!(r->next > 0) || s < r->next) r->next = s;
}

/* Is there more than one way that may be the fastest, up to `far` times it? r[0]: the values in force. */
static bool is_open(const rounds *r, int ways, double far, bool *may)
{
    int open = 0;
    double least = INFINITY;
    for (int i = 0; i < ways; i++)
        if (r[i].least > 0 && r[i].least < least) least = r[i].least;
    for (int i = 0; i < ways; i++) {
        may[i] = r[i].least > 0 && r[i].least < far * least;
        open += may[i];
    }
    return open > 1;
}

/* A machine can be busy with something else for all rounds of one way and none of another's: a least that was seen once is not believed. */
static bool all_seen_twice(const rounds *r, int ways, const bool *may)
{
    for (int i = 0; i < ways; i++)
        if (may[i] && r[i].least > 0 && !(r[i].next > 0 && r[i].next <= AGAIN * r[i].least)) return false;
    return true;
}

int compare_run(tuner *t, const char *const *files, int count, int *fastest, sdcl_tune_result *r)
{
    int err = 0, steps = STEPS_MIN;
    double begin = seconds_now(), step_s = 0;
    rounds seen[WAYS_MAX] = {0};
    bool may[WAYS_MAX] = {true, true, true};
    *fastest = t->from_file && count ? 0 : -1;
    if (t->from_file) {
        sum_keys(t, r);
        return 0;
    }
    for (int round = 0; round < ROUNDS_MAX && (!round || seconds_now() - begin < SECONDS_MAX); round++) {
        if (round >= ROUNDS && all_seen_twice(seen, count + 1, may)) break;
        for (int i = 0; i <= count; i++) {
            double s;
            if (!may[i]) continue;
            err = run_model(t, i ? files[i - 1] : t->params->config_file, steps, r, &step_s, &s);
            if (err == SDCL_ERESULT && count) s = step_s = err = 0; /* it does not run: anything is better */
            if (err) goto out;
            note_round(&seen[i], s);
            if (!round && step_s > 0 && SECONDS_A_RUN / step_s > steps)
                steps = SECONDS_A_RUN / step_s < STEPS_MAX ? (int)(SECONDS_A_RUN / step_s) : STEPS_MAX;
        }
        if (!is_open(seen, count + 1, round ? FAR : INFINITY, may) && count) break;
    }
    r->before_s = seen[0].least;
    r->after_s = count ? 0 : seen[0].least;
    for (int i = count; i > 0; i--) { /* the last are the plainest, and stay where others are not clearly faster */
        double least = seen[i].least;
        if (!(least > 0) || (r->after_s > 0 && least > CLEARLY * r->after_s)) continue;
        r->after_s = least;
        *fastest = i - 1;
    }
out:
    return err;
}

/* --- pictures --- */

typedef struct pixels {
    unsigned char *rgb; /* owned; NULL: there is no picture */
    size_t n;
} pixels;

static int read_pixels(const char *path, pixels *to)
{
    struct stat st;
    FILE *f = fopen(path, "r");
    if (!f || fstat(fileno(f), &st) || st.st_size < 1) {
        if (f) fclose(f);
        return FAIL(SDCL_ERESULT, "a worker wrote no picture");
    }
    to->n = (size_t)st.st_size;
    to->rgb = malloc(to->n);
    bool ok = to->rgb && fread(to->rgb, 1, to->n, f) == to->n;
    fclose(f);
    return ok ? 0 : FAIL(SDCL_ENOMEM, "cannot read a picture of %zu bytes", to->n);
}

/* to->rgb stays NULL where the configuration makes no picture. */
static int draw(tuner *t, const char *config_file, pixels *to)
{
    int err = 0;
    char why[256], path[4096];
    json_t *reply = NULL, *request = NULL;
    if (!t->scratch || (size_t)snprintf(path, sizeof path, "%s/picture", t->scratch) >= sizeof path)
        return FAIL(SDCL_EOUTPUT, "there is no folder for temporary files");
    request = request_picture(t, config_file, STEPS_COMPARED, path);
    TRY(process_ask(t, request, TIMEOUT, &reply, why, sizeof why));
    if (reply && json_is_true(json_object_get(reply, "ok"))) TRY(read_pixels(path, to));
out:
    unlink(path);
    json_decref(request);
    json_decref(reply);
    return err;
}

static double psnr_of(const pixels *a, const pixels *b)
{
    double sum = 0;
    if (!a->rgb || !b->rgb || a->n != b->n) return 0;
    for (size_t i = 0; i < a->n; i++) sum += pow((double)a->rgb[i] - b->rgb[i], 2);
    return sum > 0 ? 10 * log10(255.0 * 255.0 * (double)a->n / sum) : 99;
}

int compare_pictures(tuner *t, const char *fresh, const char *other, double *psnr)
{
    int err = 0;
    pixels new = {0}, old = {0}, shipped = {0};
    *psnr = 99;
    if (t->from_file) return 0;
    TRY(draw(t, fresh, &new));
    TRY(draw(t, t->params->config_file, &old));
    *psnr = psnr_of(&new, &old);
    if (*psnr >= TUNED_PSNR || !other) goto out;
    TRY(draw(t, other, &shipped));
    *psnr = fmax(*psnr, psnr_of(&new, &shipped));
out:
    free(new.rgb);
    free(old.rgb);
    free(shipped.rgb);
    return err;
}
