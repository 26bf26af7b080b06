/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/verbs.h"

#include <string.h>

typedef struct bench {
    const options *o;
    progress bar;
    int rows;  /* of ops, printed */
    double ms; /* of all steps that they stand for */
} bench;

static void on_log(void *user, sdcl_level level, const char *message)
{
    bench *b = user;
    progress_log(&b->bar, stderr, b->o->verbosity, level, message);
}

static void on_progress(void *user, const sdcl_progress *now) { progress_show(&((bench *)user)->bar, now); }

static void model_json(const char *model, const char *device, const sdcl_bench *r)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"text_s", r->text.median_s},
                   {"unet_step_s", r->unet.median_s},
                   {"vae_decode_s", r->vae.median_s},
                   {"unet_step_gflop", r->unet.gflop},
                   {"peak_gflops", r->peak_gflops}};
    fputs("{\"model\":", stdout);
    json_quote(stdout, model);
    printf(",\"width\":%d,\"height\":%d,\"batch\":%d,\"precision\":", r->width, r->height, r->batch);
    json_quote(stdout, r->precision);
    fputs(",\"device\":", stdout);
    json_quote(stdout, device);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        printf(",\"%s\":", numbers[i].key);
        json_number(stdout, numbers[i].value);
    }
    printf(",\"peak_device_bytes\":%llu,\"peak_rss_bytes\":%llu}\n", (unsigned long long)r->peak_device_bytes,
           (unsigned long long)r->peak_rss_bytes);
}

static void phase_text(const char *name, const sdcl_bench_phase *p, double peak_gflops)
{
    double rate = p->median_s > 0 ? p->gflop / p->median_s : 0;
    printf("%-13s %10.4f %10.4f %10.2f %10.1f %8.1f\n", name, p->median_s, p->min_s, p->gflop, rate,
           peak_gflops > 0 ? 100 * rate / peak_gflops : 0);
}

static void model_text(const char *model, const char *device, const sdcl_bench *r)
{
    printf("%s, %dx%d, batch %d, %s on %s: %d runs after one to warm up\n\n", model, r->width, r->height, r->batch,
           r->precision, device, r->steps);
    printf("%-13s %10s %10s %10s %10s %8s\n", "seconds", "median", "min", "GFLOP", "GFLOP/s", "% peak");
    phase_text("text encoder", &r->text, r->peak_gflops);
    phase_text("UNet step", &r->unet, r->peak_gflops);
    phase_text("VAE decode", &r->vae, r->peak_gflops);
    printf("%-13s %10.4f\n\n", "load", r->load_s);
    printf("multiply-add peak %.1f GFLOP/s (f32), device memory %.1f MB, resident %.1f MB\n", r->peak_gflops,
           (double)r->peak_device_bytes * 1e-6, (double)r->peak_rss_bytes * 1e-6);
}

static void op_json(const sdcl_bench_op *r)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"op", r->op}, {"impl", r->impl}, {"shape", r->shape}, {"weights", r->weights}};
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"ms", r->ms},
                   {"gflops", r->ms > 0 ? r->gflop / r->ms * 1e3 : 0},
                   {"gbytes", r->ms > 0 ? r->gbyte / r->ms * 1e3 : 0},
                   {"share", r->share},
                   {"nmse", r->nmse}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf("%s\"%s\":", i ? "," : "{", texts[i].key);
        json_quote(stdout, texts[i].value);
    }
    printf(",\"count\":%d", r->count);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        printf(",\"%s\":", numbers[i].key);
        json_number(stdout, numbers[i].value);
    }
    fputs(",\"error\":", stdout);
    if (r->why) json_quote(stdout, r->why);
    else fputs("null", stdout);
    puts("}");
}

static void on_op(void *user, const sdcl_bench_op *r, const sdcl_bench_peaks *peaks)
{
    bench *b = user;
    progress_clear(&b->bar);
    if (b->o->json) {
        op_json(r);
    } else {
        if (!b->rows++)
            printf("peaks: multiply-adds %.1f GFLOP/s (f32), copying %.1f GB/s\n\n"
                   "%-9s %-9s %-40s %-3s %5s %10s %9s %7s %7s %8s\n",
                   peaks->gflops, peaks->gbytes, "op", "impl", "shape", "w", "count", "ms", "GFLOP/s", "GB/s", "% peak",
                   "NMSE");
        if (r->ms > 0)
            printf("%-9s %-9s %-40s %-3s %5d %10.3f %9.1f %7.1f %7.1f %8.1e\n", r->op, r->impl, r->shape, r->weights,
                   r->count, r->ms, r->gflop / r->ms * 1e3, r->gbyte / r->ms * 1e3, 100 * r->share, r->nmse);
        else
            printf("%-9s %-9s %-40s %-3s %5d %s\n", r->op, r->impl, r->shape, r->weights, r->count,
                   r->why ? r->why : "");
        b->ms += r->count * r->ms;
    }
    fflush(stdout);
}

static int bench_ops(bench *b, sdcl *s, const sdcl_job *job)
{
    int err = cli_library(sdcl_bench_ops(s, job, on_op, b));
    progress_clear(&b->bar);
    if (b->rows) printf("\n%.3f s: count times ms, over all rows\n", b->ms * 1e-3);
    return err;
}

static int bench_model(bench *b, sdcl *s, const sdcl_job *job)
{
    sdcl_bench result;
    int err = cli_library(sdcl_bench_model(s, job, &result));
    progress_clear(&b->bar);
    if (err) return err;
    if (b->o->json) model_json(sdcl_session_model(s), sdcl_session_device(s)->name, &result);
    else model_text(sdcl_session_model(s), sdcl_session_device(s)->name, &result);
    return b->o->params.profile ? report_profile(s) : 0;
}

int cli_bench(const options *o)
{
    bench b = {.o = o};
    sdcl *s = NULL;
    sdcl_job job = o->job;
    sdcl_params params = o->params;
    params.random_model = !params.model;
    params.log = on_log;
    params.progress = on_progress;
    params.cancelled = signals_cancelled;
    params.user = &b;
    job.count = o->batch;
    signals_install();
    progress_begin(&b.bar, o->progress, o->verbosity == QUIET);
    int err = cli_library(sdcl_open(&s, &params));
    if (!err) err = strcmp(o->operand, "ops") ? bench_model(&b, s, &job) : bench_ops(&b, s, &job);
    progress_clear(&b.bar);
    sdcl_close(&s);
    return err;
}
