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
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUDGET_DEFAULT 600
#define TIMEOUT_DEFAULT 60

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

/* Folders of this user's tuners that were killed: the number in the name is that of no process. */
static void remove_orphans(const char *base)
{
    DIR *folder = opendir(base);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        char path[PATH_MAX];
        struct stat st;
        int pid = 0, used = 0;
        if (sscanf(e->d_name, "sdcl-tune-%d-%n", &pid, &used) != 1 || !used || pid < 1) continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", base, e->d_name) >= sizeof path) continue;
        if (!lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && kill(pid, 0) && errno == ESRCH)
            remove_tree(path);
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

/* Runs one candidate and notes what came of it. */
static int try_candidate(tuner *t, tune_key *k, const candidate *c)
{
    int err = 0;
    char values[512];
    trial one = {.c = *c};
    json_t *reply = NULL, *request = NULL;
    double before = key_ms(k);
    candidate_text(k, c, values, sizeof values);
    show(t, k, values);
    if (candidate_fits(t, k, c, one.why, sizeof one.why)) {
        request = request_op(t, k, c, 4 * before);
        TRY(process_run(t, request, t->job->timeout, &reply, one.why, sizeof one.why));
    }
    if (reply) {
        one.ok = json_is_true(json_object_get(reply, "ok"));
        one.ms = json_number_value(json_object_get(reply, "ms"));
        one.min_ms = json_number_value(json_object_get(reply, "min_ms"));
        one.nmse = json_number_value(json_object_get(reply, "nmse"));
        one.runs = (int)json_integer_value(json_object_get(reply, "runs"));
        const char *why = json_string_value(json_object_get(reply, "why"));
        if (!one.ok) snprintf(one.why, sizeof one.why, "%s", why ? why : "wrong result");
    }
    if (one.ok && !(one.min_ms > 0)) {
        one.ok = false;
        snprintf(one.why, sizeof one.why, "no time was measured");
    }
    if (one.ok) {
        k->gflop = json_number_value(json_object_get(reply, "gflop"));
        k->gbyte = json_number_value(json_object_get(reply, "gbyte"));
    }
    one.at = seconds_now() - t->begin;
    TRY(records_append(t, k, &one));
    t->tried++;
    t->rejected += !one.ok;
    if (!key_add(k, &one)) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    if (!one.ok) say(t, SDCL_VERBOSE, "%s, %s: rejected: %s", k->text, values, one.why);
    else if (before > 0 && key_ms(k) < before)
        say(t, SDCL_VERBOSE, "%s: %.4g -> %.4g ms, %s", k->text, before, key_ms(k), values);
out:
    json_decref(request);
    json_decref(reply);
    return err;
}

static int search(tuner *t)
{
    int err = 0;
    tune_key *k;
    candidate c;
    while (seconds_now() < t->deadline && (!t->job->tries || t->tried < t->job->tries)) {
        TRY(records_read(t));
        if (!search_next(t, &k, &c)) break;
        err = try_candidate(t, k, &c);
        records_release(t, k, &c);
        if (err) goto out;
    }
out:
    return err;
}

/* --- the end --- */

static bool any_better(const tuner *t)
{
    for (int i = 0; i < t->key_count; i++) {
        const tune_key *k = &t->key[i];
        if (k->best >= 0 && !candidate_same(k, &k->trial[k->best].c, &k->known[0])) return true;
    }
    return false;
}

static int output_path(const tuner *t, char *path, size_t size)
{
    char *tuned = t->job->output ? strdup(t->job->output) : config_tuned_path(&t->device.info, true);
    bool ok = tuned && (size_t)snprintf(path, size, "%s", tuned) < size;
    free(tuned);
    return ok ? 0 : FAIL(SDCL_EOUTPUT, "there is no folder for tuned files that only you can write to");
}

/* Writes the result beside its place, compares, and moves it there if a picture is faster with it. */
static int finish(tuner *t, sdcl_tune_result *r)
{
    int err = 0;
    char fresh[sizeof r->path + 32] = "";
    bool better = any_better(t);
    TRY(output_path(t, r->path, sizeof r->path));
    snprintf(fresh, sizeof fresh, "%s.%ld.new", r->path, (long)getpid());
    if (better) TRY(tuned_write(t, fresh, t->job->output ? NULL : r->path));
    TRY(compare_run(t, better ? fresh : NULL, r));
    bool faster = better && r->after_s > 0 && (r->after_s < r->before_s || !(r->before_s > 0));
    if (faster) TRY(compare_pictures(t, fresh, &r->psnr));
    if (faster && r->psnr >= TUNED_PSNR) {
        if (rename(fresh, r->path)) TRY(FAIL(SDCL_EOUTPUT, "cannot write %s: %s", r->path, strerror(errno)));
        r->written = 1;
    }
out:
    if (*fresh && !r->written) unlink(fresh);
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
    TRY(open_keys(&t));
    TRY(open_records(&t));
    scratch_open(&t);
    result->keys = t.key_count;
    say(&t, SDCL_INFO, "%d shapes to tune on %s; records in %s", t.key_count, t.device.info.name, t.records.path);
    t.begin = seconds_now();
    t.deadline = t.begin + job->budget;
    TRY(search(&t));
    result->tried = t.tried;
    result->rejected = t.rejected;
    TRY(finish(&t, result));
    if (job->report) TRY(report_write(&t, job->report, result));
out:
    scratch_close(&t);
    keys_free(&t);
    records_close(&t.records);
    free(t.lock);
    free(model);
    return err;
}
