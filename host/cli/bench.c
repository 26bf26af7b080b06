/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/utf8.h"
#include "cli/verbs.h"

#include <string.h>

typedef struct bench {
    const options *o;
    progress bar;
} bench;

static void on_log(void *user, sdcl_level level, const char *message)
{
    bench *b = user;
    if (level == SDCL_INFO && b->o->verbosity == QUIET) return;
    if (level == SDCL_VERBOSE && b->o->verbosity != VERBOSE) return;
    progress_clear(&b->bar);
    fputs(level == SDCL_WARNING ? "sdcl: warning: " : "sdcl: ", stderr);
    utf8_print(stderr, message);
    fputc('\n', stderr);
}

static void on_progress(void *user, const sdcl_progress *now) { progress_show(&((bench *)user)->bar, now); }

static int on_cancelled(void *user)
{
    (void)user;
    return signals_caught();
}

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
    json_string(stdout, model);
    printf(",\"width\":%d,\"height\":%d,\"batch\":%d,\"precision\":", r->width, r->height, r->batch);
    json_string(stdout, r->precision);
    fputs(",\"device\":", stdout);
    json_string(stdout, device);
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

static int bench_model(bench *b)
{
    int err = 0;
    const options *o = b->o;
    sdcl *s = NULL;
    sdcl_job job = o->job;
    sdcl_bench result;
    sdcl_params params = o->params;
    params.random_model = !params.model;
    params.log = on_log;
    params.progress = on_progress;
    params.cancelled = on_cancelled;
    params.user = b;
    job.prompt = "";
    job.count = o->batch;
    TRY(cli_library(sdcl_open(&s, &params)));
    TRY(cli_library(sdcl_bench_model(s, &job, &result)));
    progress_clear(&b->bar);
    if (o->json) model_json(sdcl_session_model(s), sdcl_session_device(s)->name, &result);
    else model_text(sdcl_session_model(s), sdcl_session_device(s)->name, &result);
    if (params.profile) TRY(report_profile(s));
out:
    progress_clear(&b->bar);
    sdcl_close(&s);
    return err;
}

int cli_bench(const options *o)
{
    bench b = {.o = o};
    signals_install();
    progress_begin(&b.bar, o->progress, o->verbosity == QUIET);
    return bench_model(&b);
}
