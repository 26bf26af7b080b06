/* SPDX-License-Identifier: MIT */
/* One configuration with several keys: a worker compiles once what they share, and answers with a line for each. Where it crashes or hangs, the key that it was
 * at is to blame, and another worker goes on behind it. */
#include "tune/tune.h"

#include <stdio.h>
#include <string.h>

typedef struct answers {
    tuner *t;
    const batch *b;
    int at; /* the key that is being worked at */
    double end;
    batch_fn *each;
    void *user;
    bool lost, enough; /* the lead is given up; nobody wants more */
} answers;

static void read_trial(const json_t *reply, tune_key *k, trial *one)
{
    const char *why = json_string_value(json_object_get(reply, "why"));
    one->ok = json_is_true(json_object_get(reply, "ok"));
    one->ms = json_number_value(json_object_get(reply, "ms"));
    one->min_ms = json_number_value(json_object_get(reply, "min_ms"));
    one->nmse = json_number_value(json_object_get(reply, "nmse"));
    one->runs = (int)json_integer_value(json_object_get(reply, "runs"));
    if (one->ok && !(one->min_ms > 0)) {
        one->ok = false;
        why = "no time was measured";
    }
    if (!one->ok) snprintf(one->why, sizeof one->why, "%s", why ? why : "wrong result");
    if (!one->ok) return;
    k->gflop = json_number_value(json_object_get(reply, "gflop"));
    k->gbyte = json_number_value(json_object_get(reply, "gbyte"));
}

/* Hands on what came of the key at work, and goes to the next. */
static bool done_with(answers *a, trial *one)
{
    tune_key *k = a->b->key[a->at];
    double limit = a->b->give_up * key_ms(k);
    one->c = a->b->c[a->at];
    one->at = seconds_now() - a->t->begin;
    if (a->b->lead && !a->at) a->lost = !one->ok || (limit > 0 && one->min_ms > limit);
    if (!a->each(a->user, a->at, one)) a->enough = true;
    a->at++;
    return !a->enough && !a->lost && a->at < a->b->count && seconds_now() < a->end;
}

static bool on_reply(void *user, const json_t *reply)
{
    answers *a = user;
    trial one = {0};
    read_trial(reply, a->b->key[a->at], &one);
    return done_with(a, &one);
}

/* Are the values of a candidate valid for the key at work? Else it is refused without a process. */
static bool fits(answers *a, trial *one)
{
    const batch *b = a->b;
    return b->kind != BATCH_CANDIDATE || candidate_fits(a->t, b->key[a->at], &b->c[a->at], one->why, sizeof one->why);
}

int batch_run(tuner *t, const batch *b, double end, batch_fn *each, void *user)
{
    int err = 0;
    char why[sizeof(trial){0}.why];
    answers a = {.t = t, .b = b, .end = end, .each = each, .user = user};
    bool more = b->count > 0;
    while (more) {
        trial one = {0};
        json_t *request = NULL;
        if (!fits(&a, &one)) {
            more = done_with(&a, &one);
            continue;
        }
        int from = a.at;
        request = request_batch(t, b, a.at);
        err = process_run(t, request, t->job->timeout, on_reply, &a, why, sizeof why);
        json_decref(request);
        if (err) break;
        more = !a.enough && !a.lost && a.at < b->count && seconds_now() < end;
        if (!more || (a.at > from && !*why)) continue;
        snprintf(one.why, sizeof one.why, "%s", *why ? why : "the worker gave no answer");
        more = done_with(&a, &one);
    }
    return err;
}
