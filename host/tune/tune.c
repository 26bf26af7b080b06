/* SPDX-License-Identifier: MIT */
/* sdcl_tune: keys, spaces, the search, and the comparison at the end that decides whether anything is written. */
#include "tune/tune.h"

#include "base/cache_folder.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "pipeline/models.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUDGET_DEFAULT 600
#define TIMEOUT_DEFAULT 60
#define PASSES_AT_THE_END 5 /* of the budget, for measuring what was found once more */

static void say(const tuner *t, sdcl_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(const tuner *t, sdcl_level level, const char *format, ...)
{
    char message[1024];
    va_list ap;
    if (!t->params->log) return;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    t->params->log(t->params->user, level, message);
}

void sdcl_tune_job_init(sdcl_tune_job *j)
{
    *j = (sdcl_tune_job){.budget = BUDGET_DEFAULT, .timeout = TIMEOUT_DEFAULT};
}

/* --- the folder of the drivers' caches --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)where;
    (void)type;
    remove(path);
    return 0;
}

static void remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* Folders of this user's tuners that were killed. */
static void remove_orphans(const char *base)
{
    DIR *folder = opendir(base);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        char path[PATH_MAX];
        struct stat st;
        static const char begin[] = "sdcl-tune-";
        const char *end = NULL;
        if (strncmp(e->d_name, begin, strlen(begin)) != 0) continue;
        if (!process_is_gone(process_number(e->d_name + strlen(begin), &end)) || *end != '-') continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", base, e->d_name) >= sizeof path) continue;
        if (!lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid()) remove_tree(path);
    }
    if (folder) closedir(folder);
}

static void scratch_open(tuner *t)
{
    const char *base = getenv("TMPDIR");
    if (!base || *base != '/') base = "/tmp";
    remove_orphans(base);
    if (asprintf(&t->scratch, "%s/sdcl-tune-%ld-XXXXXX", base, (long)getpid()) < 0) t->scratch = NULL;
    if (!t->scratch || mkdtemp(t->scratch)) return;
    free(t->scratch);
    t->scratch = NULL;
}

static void scratch_close(tuner *t)
{
    if (t->scratch) remove_tree(t->scratch);
    free(t->scratch);
    t->scratch = NULL;
}

/* --- opening --- */

static int check_job(const sdcl_tune_job *j)
{
    static const char *const strategies[] = {"guided", "random", "full"};
    bool known = !j->strategy;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        known = known || !strcmp(j->strategy, strategies[i]);
    if (!known) return FAIL(SDCL_EUSAGE, "strategy %s: expected guided, random or full", j->strategy);
    if (!j->worker || !j->worker[0]) return FAIL(SDCL_EUSAGE, "a tuning job needs a worker command");
    if (!(j->budget >= 0) || !(j->timeout > 0)) return FAIL(SDCL_EUSAGE, "a budget and a timeout are above zero");
    for (const char *s = j->only; s && *s; s += strcspn(s, ","), s += *s == ',') {
        bool found = false;
        for (const check_keyed *const *o = check_keyed_ops; *o; o++)
            found = found || (strlen((*o)->op) == strcspn(s, ",") && !strncmp(s, (*o)->op, strlen((*o)->op)));
        if (found) continue;
        strbuf names = {0};
        for (const check_keyed *const *o = check_keyed_ops; *o; o++) strbuf_printf(&names, " %s", (*o)->op);
        int err = FAIL(SDCL_EUSAGE, "--only %.*s: no such op", (int)strcspn(s, ","), s);
        error_hint("ops are%s", strbuf_text(&names));
        strbuf_free(&names);
        return err;
    }
    return 0;
}

static int find_device(tuner *t)
{
    int err = 0, count = 0, index = 0;
    ocl_device *list = NULL;
    TRY(ocl_device_list(&list, &count));
    TRY(ocl_device_choose(list, count, t->params->device, &index));
    t->device = list[index];
out:
    free(list);
    return err;
}

static int heavier(const void *a, const void *b)
{
    const tune_key *x = a, *y = b;
    double dx = x->count * x->gflop, dy = y->count * y->gflop;
    return dx > dy ? -1 : dx < dy;
}

/* The model's steps, or those of a file. */
static int open_keys(tuner *t)
{
    int err = 0;
    const char *shapes = t->job->shapes;
    bool file = shapes && strcmp(shapes, "sd15") != 0 && strcmp(shapes, "pocket") != 0;
    if (file) {
        t->from_file = true;
        TRY(keys_of_file(t, shapes));
    } else {
        TRY(sdcl_open(&t->session, t->params));
        t->device = t->session->device;
        t->precision = t->session->precision;
        TRY(keys_of_session(t));
    }
    qsort(t->key, (size_t)t->key_count, sizeof *t->key, heavier);
    TRY(spaces_open(t));
    TRY(groups_open(t));
out:
    sdcl_close(&t->session);
    return err;
}

static int open_records(tuner *t)
{
    int err = 0;
    char *path = NULL, *beside = NULL, *folder = cache_folder();
    if (folder && asprintf(&t->lock, "%s/tune.lock", folder) < 0) t->lock = NULL;
    free(folder);
    if (!t->job->records) {
        beside = config_tuned_path(&t->device.info, true);
        if (!beside) {
            err = FAIL(SDCL_EOUTPUT, "there is no folder for tuned files that only you can write to");
            error_hint("set XDG_DATA_HOME, or name files with --json and --output");
            goto out;
        }
        if (asprintf(&path, "%.*s.jsonl", (int)(strlen(beside) - strlen(".ini")), beside) < 0) path = NULL;
        if (!path) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    }
    TRY(records_open(t, path ? path : t->job->records, t->job->resume));
    TRY(records_read(t));
out:
    free(path);
    free(beside);
    return err;
}

/* --- searching --- */

static void show(const tuner *t, const tune_key *k, const char *values)
{
    double sum = 0, first = 0;
    for (int i = 0; i < t->key_count; i++) {
        const tune_key *o = &t->key[i];
        double before = key_first_ms(o);
        sum += o->count * key_ms(o) * 1e-3;
        first += o->count * (before > 0 ? before : key_ms(o)) * 1e-3;
    }
    double left = t->deadline - seconds_now();
    sdcl_tune_progress p = {.what = k->text,
                            .values = values,
                            .best_ms = key_ms(k),
                            .first_ms = key_first_ms(k),
                            .image_s = sum,
                            .first_s = first,
                            .tried = t->tried,
                            .rejected = t->rejected,
                            .seconds_left = left > 0 ? left : 0};
    if (t->job->progress) t->job->progress(t->params->user, &p);
}

typedef struct trying {
    tuner *t;
    const batch *b;
    int err;
    bool ran; /* something that fits */
} trying;

/* batch_fn: notes what came of one candidate. */
static bool note_trial(void *user, int i, const trial *one)
{
    int err = 0;
    char values[1024];
    trying *x = user;
    tuner *t = x->t;
    tune_key *k = x->b->key[i];
    double before = key_ms(k);
    x->ran = x->ran || k->space[one->c.space].fits;
    candidate_text(k, &one->c, values, sizeof values);
    TRY(records_append(t, k, one));
    t->tried++;
    t->rejected += !one->ok;
    if (!key_add(k, one)) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    if (!one->ok) say(t, SDCL_VERBOSE, "%s, %s: rejected: %s", k->text, values, one->why);
    else if (before > 0 && key_ms(k) < before)
        say(t, SDCL_VERBOSE, "%s: %.4g -> %.4g ms, %s", k->text, before, key_ms(k), values);
    records_release(t, k, &one->c);
    if (i + 1 < x->b->count) candidate_text(x->b->key[i + 1], &x->b->c[i + 1], values, sizeof values);
    show(t, x->b->key[i + 1 < x->b->count ? i + 1 : i], values);
out:
    x->err = err;
    return !err;
}

static int try_batch(tuner *t, const batch *b)
{
    char values[1024];
    trying x = {.t = t, .b = b};
    double before = b->group ? group_share(t, b->group) : 0, began = seconds_now();
    candidate_text(b->key[0], &b->c[0], values, sizeof values);
    show(t, b->key[0], values);
    int err = batch_run(t, b, t->deadline, note_trial, &x);
    for (int i = 0; i < b->count; i++) records_release(t, b->key[i], &b->c[i]);
    if (b->kind == BATCH_IN_FORCE) t->pass_s += seconds_now() - began;
    if (b->group) {
        group_settle(t, b->group);
        if (group_share(t, b->group) < ENOUGH * before) b->group->since = 0;
        else b->group->since += x.ran;
    }
    return err ? err : x.err;
}

static int search(tuner *t)
{
    int err = 0;
    bool ready = false; /* what is known has been measured */
    static const struct timespec a_while = {.tv_nsec = 100000000};
    for (int i = 0; i < t->group_count; i++) group_settle(t, &t->group[i]);
    while (seconds_now() < t->deadline && (!t->job->tries || t->tried < t->job->tries)) {
        batch b;
        if (t->params->cancelled && t->params->cancelled(t->params->user))
            return FAIL(SDCL_EINTERRUPTED, "interrupted");
        TRY(records_read(t));
        search_state state = search_next(t, &b);
        if (state == SEARCH_DONE) break;
        if (state == SEARCH_WAIT) {
            nanosleep(&a_while, NULL);
            continue;
        }
        if (!ready && b.kind == BATCH_CANDIDATE) {
            ready = true;
            t->deadline -= fmin(t->job->budget / 4, PASSES_AT_THE_END * t->pass_s);
        }
        TRY(try_batch(t, &b));
    }
out:
    return err;
}

/* --- the end --- */

/* Has a key something better than what is in force, or is something else shipped for it? */
static bool any_better(const tuner *t, bool shipped)
{
    for (int i = 0; i < t->key_count; i++) {
        const tune_key *k = &t->key[i];
        if (shipped ? k->known_count > 1 && key_known_ms(k, 1) > 0
                    : k->best >= 0 && !candidate_same(k, &k->trial[k->best].c, &k->known[0]))
            return true;
    }
    return false;
}

/* Before the search: can what is found be written? */
static int open_outputs(const tuner *t, char *path, size_t size)
{
    int err = 0;
    if (t->job->report) TRY(report_open(t->job->report));
    if (t->job->output) TRY(output_open(t->job->output, path, size));
    else {
        char *tuned = config_tuned_path(&t->device.info, true);
        bool ok = tuned && (size_t)snprintf(path, size, "%s", tuned) < size;
        free(tuned);
        if (!ok) TRY(FAIL(SDCL_EOUTPUT, "there is no folder for tuned files that only you can write to"));
    }
    output_clean(path);
out:
    return err;
}

/* Writes what was found, and what is shipped where that is not in force, beside the result's place, compares, and moves there what makes a picture faster. */
static int finish(tuner *t, sdcl_tune_result *r)
{
    enum { FOUND, SHIPPED };
    int err = 0, count = 0, fastest = -1;
    char path[2][sizeof r->path + 32] = {"", ""};
    const char *file[2], *keep = t->job->output ? NULL : r->path;
    for (int i = 0; i < 2; i++)
        output_beside(path[i], sizeof path[i], r->path, i == FOUND ? OUTPUT_NEW : OUTPUT_SHIPPED);
    for (int i = 0; i < t->group_count; i++) group_settle(t, &t->group[i]);
    if (any_better(t, false) && t->job->budget > 0) {
        TRY(tuned_write(t, path[FOUND], false, keep));
        TRY(confirm_run(t, path[FOUND]));
    }
    if (any_better(t, false)) {
        TRY(tuned_write(t, path[FOUND], false, keep));
        file[count++] = path[FOUND];
    }
    if (any_better(t, true)) {
        TRY(tuned_write(t, path[SHIPPED], true, keep));
        file[count++] = path[SHIPPED];
    }
    TRY(compare_run(t, file, count, &fastest, r));
    bool faster = fastest >= 0 && r->after_s > 0 && (r->after_s < ENOUGH * r->before_s || !(r->before_s > 0));
    if (faster) TRY(compare_pictures(t, file[fastest], any_better(t, true) ? path[SHIPPED] : NULL, &r->psnr));
    r->refused = faster && r->psnr < TUNED_PSNR;
    if (faster && !r->refused) {
        if (rename(file[fastest], r->path)) TRY(FAIL(SDCL_EOUTPUT, "cannot write %s: %s", r->path, strerror(errno)));
        r->written = 1;
    }
out:
    for (int i = 0; i < 2; i++)
        if (*path[i]) unlink(path[i]);
    return err;
}

static int locate_model(sdcl_params *p, const sdcl_tune_job *j, char **model)
{
    if (!j->shapes || !strcmp(j->shapes, "sd15")) {
        if (j->shapes) p->model = NULL;
        p->random_model = j->shapes != NULL;
        return 0;
    }
    if (strcmp(j->shapes, "pocket") != 0) return 0;
    int err = model_locate_pocket(model);
    p->model = *model;
    return err;
}

int sdcl_tune(const sdcl_params *params, const sdcl_tune_job *job, sdcl_tune_result *result)
{
    int err = 0;
    char *model = NULL;
    sdcl_params p = *params;
    tuner t = {.params = &p, .job = job, .records = {.fd = -1}, .random = 0x9E3779B97F4A7C15u ^ (uint64_t)getpid()};
    *result = (sdcl_tune_result){0};
    TRY(check_job(job));
    TRY(locate_model(&p, job, &model));
    t.begin = seconds_now();
    TRY(find_device(&t));
    TRY(open_outputs(&t, result->path, sizeof result->path));
    TRY(open_keys(&t));
    TRY(open_records(&t));
    scratch_open(&t);
    result->keys = t.key_count;
    say(&t, SDCL_INFO, "%d shapes to tune on %s; records in %s", t.key_count, t.device.info.name, t.records.path);
    t.begin = seconds_now();
    t.deadline = t.begin + job->budget;
    TRY(search(&t));
    TRY(finish(&t, result));
    result->tried = t.tried;
    result->rejected = t.rejected;
    if (job->report) TRY(report_write(&t, job->report, result));
out:
    if (err == SDCL_EINTERRUPTED && t.records.path)
        error_hint("what was tried is in %s; --resume goes on", t.records.path);
    scratch_close(&t);
    twins_close(&t);
    groups_free(&t);
    keys_free(&t);
    records_close(&t.records);
    free(t.lock);
    free(model);
    return err;
}
