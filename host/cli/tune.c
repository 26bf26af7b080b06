/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

typedef struct tune {
    const options *o;
    progress bar;
} tune;

static void on_log(void *user, sdcl_level level, const char *message)
{
    tune *t = user;
    progress_log(&t->bar, stderr, t->o->verbosity, level, message);
}

static void show_json(const sdcl_tune_progress *p)
{
    fputs("{\"step\":", stderr);
    json_quote(stderr, p->what);
    fputs(",\"values\":", stderr);
    json_quote(stderr, p->values);
    fprintf(stderr,
            ",\"best_ms\":%.6g,\"first_ms\":%.6g,\"image_s\":%.6g,\"first_s\":%.6g,\"tried\":%d,\"rejected\":%d,"
            "\"seconds_left\":%.1f}\n",
            p->best_ms, p->first_ms, p->image_s, p->first_s, p->tried, p->rejected, p->seconds_left);
}

/* "01:12 left, picture 3.21 s, was 3.90, 41 tried, 3 rejected  gemm 2x64x320 k=320 f32 0.12 ms, was 0.15": what matters most is left in a narrow window. */
static void on_tune(void *user, const sdcl_tune_progress *p)
{
    tune *t = user;
    char line[512];
    int left = (int)p->seconds_left;
    if (t->bar.mode == PROGRESS_JSON) show_json(p);
    if (t->bar.mode != PROGRESS_LINE) return;
    int n = snprintf(line, sizeof line, "%02d:%02d left", left / 60, left % 60);
    if (p->first_s > 0)
        n += snprintf(line + n, sizeof line - (size_t)n, ", picture %.3g s, was %.3g", p->image_s, p->first_s);
    n += snprintf(line + n, sizeof line - (size_t)n, ", %d tried, %d rejected  %s", p->tried, p->rejected, p->what);
    if (p->first_ms > 0) snprintf(line + n, sizeof line - (size_t)n, " %.3g ms, was %.3g", p->best_ms, p->first_ms);
    progress_line(&t->bar, line);
}

/* err: of the page, the last that is written. */
static void report(const options *o, const sdcl_tune_result *r, int err)
{
    printf("%d shapes, %d candidates tried, %d rejected\n", r->keys, r->tried, r->rejected);
    if (r->after_s > 0 && !(r->before_s > 0))
        printf("seconds a picture: %.4g; with the values in force it fails\n", r->after_s);
    else if (r->before_s > 0)
        printf("seconds a picture: %.4g before, %.4g after (x %.3f)\n", r->before_s, r->after_s,
               r->before_s / r->after_s);
    if (o->tune.report && !err) printf("report: %s/index.html\n", o->tune.report);
    /* The last line is what scripts read. */
    if (r->written) printf("written: %s\n", r->path);
    else if (r->refused)
        printf("not written: faster, but a picture with the new values is another one (%.1f dB)\n", r->psnr);
    else puts("not written: no values are faster than those in force");
}

int cli_tune(const options *o)
{
    static const char *const worker[] = {"/proc/self/exe", "tune-worker", NULL};
    tune t = {.o = o};
    sdcl_params params = o->params;
    sdcl_tune_job job = o->tune;
    sdcl_tune_result result;
    signals_install();
    progress_begin(&t.bar, o->progress, o->verbosity == QUIET);
    params.log = on_log;
    params.cancelled = signals_cancelled;
    params.user = &t;
    job.width = o->job.width;
    job.height = o->job.height;
    job.resume = o->resume;
    job.worker = worker;
    job.progress = on_tune;
    int err = cli_library(sdcl_tune(&params, &job, &result));
    progress_clear(&t.bar);
    if (err && !result.written) return err;
    report(o, &result, err);
    if (!err && result.written && o->tune.output) {
        char hint[sizeof result.path + 32];
        snprintf(hint, sizeof hint, "use it with --config %s", result.path);
        on_log(&t, SDCL_INFO, hint);
    }
    return err;
}
