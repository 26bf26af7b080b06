/* SPDX-License-Identifier: MIT */
/* Times the stages of a job as they are, on whatever model the session holds. */
#include "pipeline/pipeline.h"

#include "ops/peak.h"
#include "pipeline/denoise.h"
#include "pipeline/residency.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { STEPS_DEFAULT = 3 };

/* The largest resident set of this process. What getrusage says begins with that of the process it was forked from. */
static uint64_t peak_rss(void)
{
    struct rusage usage;
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %llu kB", &kilobytes) == 1) break;
    if (f) fclose(f);
    if (!kilobytes && !getrusage(RUSAGE_SELF, &usage)) kilobytes = (unsigned long long)usage.ru_maxrss;
    return (uint64_t)kilobytes << 10;
}

static int ascending(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

/* Sorts the seconds of n runs. */
static void summarize(sdcl_bench_phase *p, double *seconds, int n)
{
    qsort(seconds, (size_t)n, sizeof *seconds, ascending);
    p->min_s = seconds[0];
    p->median_s = n % 2 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2;
}

static int time_text(sdcl *s, const sdcl_job *j, int runs, double *seconds)
{
    int err = 0;
    for (int i = 0; i < runs; i++) {
        timing t = {0};
        TRY(session_cancelled(s));
        TRY(pipeline_encode(s, j, 0, &t));
        seconds[i] = t.text;
    }
out:
    return err;
}

static int time_unet(sdcl *s, const sdcl_job *j, int runs, double *seconds)
{
    int err = 0;
    sampler *steps = NULL;
    noise n = {0};
    sdcl_job run = *j;
    double *ends = calloc((size_t)runs + 1, sizeof *ends);
    run.steps = runs;
    sampler_params p = {"euler", "default", runs, 0, model_scheduler(s->m)};
    if (!ends) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    TRY(sampler_open(&steps, &p));
    TRY(noise_open(&n, j->seeds, s->shape.pictures, 0, s->shape.h * s->shape.w, s->shape.channels));
    TRY(residency_enter(s, PHASE_UNET)); /* where phases take turns, reading weights does not count */
    s->evaluation_ends = ends;
    double begin = seconds_now();
    TRY(denoise(s, &run, steps, &n, 0));
    s->busy_seconds += seconds_now() - begin;
    for (int i = 0; i < runs; i++) seconds[i] = ends[i + 1] - ends[i];
out:
    s->evaluation_ends = NULL;
    free(ends);
    noise_close(&n);
    sampler_close(&steps);
    return err;
}

static int time_vae(sdcl *s, const sdcl_job *j, int runs, double *seconds)
{
    int err = 0;
    (void)j;
    size_t values = (size_t)rows_of(s->shape.rgb) * 3;
    unsigned char *rgb = malloc(values);
    float *unit = malloc(values * sizeof *unit);
    if (!rgb || !unit) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    for (int i = 0; i < runs; i++) {
        TRY(session_cancelled(s));
        TRY(residency_enter(s, PHASE_VAE));
        session_progress(s, "vae", i, runs, 0, 0, 1);
        double begin = seconds_now();
        TRY(pipeline_decode(s, 0, rgb, unit));
        seconds[i] = seconds_now() - begin;
    }
out:
    free(rgb);
    free(unit);
    return err;
}

typedef int time_fn(sdcl *s, const sdcl_job *j, int runs, double *seconds);

/* Once to warm up, which no profile sees; then the runs that count. Nothing of the phase is run after them. */
static int time_phase(sdcl *s, const sdcl_job *j, phase p, time_fn *run, int n, double *seconds, sdcl_bench_phase *b)
{
    int err = 0;
    double busy = s->busy_seconds;
    ocl_profile_pause(s->o, true);
    TRY(run(s, j, 1, seconds));
    s->busy_seconds = busy;
    ocl_profile_pause(s->o, false);
    TRY(run(s, j, n, seconds));
    summarize(b, seconds, n);
    TRY(residency_done(s, p));
out:
    ocl_profile_pause(s->o, false);
    return err;
}

static int time_phases(sdcl *s, const sdcl_job *j, sdcl_bench *b, double *seconds)
{
    int err = 0, n = b->steps;
    passes *x = &s->shape;
    s->busy_seconds = 0;
    TRY(ocl_profile_reset(s->o));
    TRY(time_phase(s, j, PHASE_TEXT, time_text, n, seconds, &b->text));
    TRY(time_phase(s, j, PHASE_UNET, time_unet, n, seconds, &b->unet));
    TRY(time_phase(s, j, PHASE_VAE, time_vae, n, seconds, &b->vae));
    b->text.gflop = (plan_flops(x->text) + plan_flops(x->prologue)) * 1e-9;
    b->unet.gflop = x->unet_count * x->unet_turns * plan_flops(x->unet[0].p) * 1e-9;
    b->vae.gflop = plan_flops(x->vae) * 1e-9;
out:
    return err;
}

int bench_job(sdcl *s, const sdcl_job *given, sdcl_job *j, uint64_t seeds[BATCH_MAX])
{
    sdcl_job_init(j);
    j->width = given->width;
    j->height = given->height;
    j->steps = given->steps ? given->steps : STEPS_DEFAULT;
    j->count = given->count;
    j->last = 1;
    j->seeds = seeds;
    for (int i = 0; i < BATCH_MAX; i++) seeds[i] = (uint64_t)i + 1;
    if (j->count < 1 || j->count > BATCH_MAX)
        return FAIL(SDCL_EUSAGE, "%d pictures: the UNet takes 1 to %d together", j->count, BATCH_MAX);
    return sdcl_job_resolve(s, j);
}

int sdcl_bench_model(sdcl *s, const sdcl_job *job, sdcl_bench *b)
{
    int err = 0;
    sdcl_job j;
    timing t = {0};
    uint64_t seeds[BATCH_MAX];
    double *seconds = NULL;
    *b = (sdcl_bench){0};
    TRY(bench_job(s, job, &j, seeds));
    seconds = calloc((size_t)j.steps, sizeof *seconds);
    if (!seconds) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    b->width = j.width;
    b->height = j.height;
    b->batch = j.count;
    b->steps = j.steps;
    b->precision = s->precision_name;
    TRY(pipeline_load(s, &j, j.count, &t));
    b->load_s = t.load;
    TRY(peak_fma(s->o, &b->peak_gflops));
    TRY(time_phases(s, &j, b, seconds));
    b->peak_device_bytes = ocl_bytes_peak(s->o);
    b->peak_rss_bytes = peak_rss();
out:
    free(seconds);
    return err;
}
