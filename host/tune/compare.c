/* SPDX-License-Identifier: MIT */
/* A against B: a whole picture with the values in force and with the new ones, in turn, each in a process of its own. */
#include "tune/tune.h"

#include "base/error.h"

#include <stdio.h>

enum { ROUNDS = 3, STEPS_OF_A_PICTURE = 20, STEPS_MIN = 3, STEPS_MAX = 60 };

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
    TRY(process_run(t, request, TIMEOUT, &reply, why, sizeof why));
    if (!reply || !json_is_true(json_object_get(reply, "ok"))) {
        const char *text = reply ? json_string_value(json_object_get(reply, "why")) : why;
        TRY(FAIL(SDCL_ERESULT, "a picture with %s: %s", config_file ? config_file : "the values in force", text));
    }
    *step_s = seconds_of(reply, "unet");
    *picture_s = seconds_of(reply, "text") + STEPS_OF_A_PICTURE * *step_s + seconds_of(reply, "vae");
    r->peak_gflops = json_number_value(json_object_get(reply, "peak_gflops"));
    r->copy_gbs = json_number_value(json_object_get(reply, "copy_gbs"));
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

int compare_run(tuner *t, const char *fresh, sdcl_tune_result *r)
{
    int err = 0, steps = STEPS_MIN;
    double begin = seconds_now(), step_s = 0, a, b;
    if (t->from_file) {
        sum_keys(t, r);
        return 0;
    }
    for (int i = 0; i < ROUNDS && (!i || seconds_now() - begin < SECONDS_MAX); i++) {
        err = run_model(t, t->params->config_file, steps, r, &step_s, &a);
        if (err == SDCL_ERESULT && fresh) a = step_s = err = 0; /* what is in force does not run: anything is better */
        if (err) goto out;
        if (!i || a < r->before_s) r->before_s = a;
        if (!i && step_s > 0 && SECONDS_A_RUN / step_s > steps)
            steps = SECONDS_A_RUN / step_s < STEPS_MAX ? (int)(SECONDS_A_RUN / step_s) : STEPS_MAX;
        if (!fresh) {
            r->after_s = r->before_s;
            continue;
        }
        TRY(run_model(t, fresh, steps, r, &step_s, &b));
        if (!i || b < r->after_s) r->after_s = b;
    }
out:
    return err;
}
