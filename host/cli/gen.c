/* SPDX-License-Identifier: MIT */
#include "cli/infotext.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output_name.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "cli/rescue.h"
#include "cli/signals.h"
#include "cli/verbs.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* A process that has drawn its pictures ends: the system takes back at once what the library would free piece by piece, 10 ms of a small picture's 250. */
#if defined __has_feature
#define CLANG_HAS(feature) __has_feature(feature)
#else
#define CLANG_HAS(feature) 0
#endif
#if defined __SANITIZE_ADDRESS__ || CLANG_HAS(address_sanitizer)
enum { LEAKS_ARE_COUNTED = 1 };
#else
enum { LEAKS_ARE_COUNTED = 0 };
#endif

/* One run of gen: a session and the job, or the jobs, that it draws. */
typedef struct gen {
    const options *o;
    sdcl *session;
    sdcl_job job;    /* all pictures */
    char *prompt;    /* owned, when it came from standard input */
    uint64_t *seeds; /* owned; job.count of them */
    output_names names;
    progress bar;
    bool opened; /* the line with the device is out; messages before it are held back */
    FILE *held;
    char *held_text;
    size_t held_size;
    int first, finished; /* number of the running job's first picture; pictures written */
    bool failed_here;    /* the last failure is the program's and its message recorded */
} gen;

static void say(gen *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(gen *g, const char *format, ...)
{
    if (g->o->verbosity == QUIET) return;
    va_list ap;
    progress_clear(&g->bar);
    va_start(ap, format);
    fputs("sdcl: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void on_log(void *user, sdcl_level level, const char *message)
{
    gen *g = user;
    progress_log(&g->bar, g->opened || !g->held ? stderr : g->held, g->o->verbosity, level, message);
}

/* The first line says which device it is; what the library had to say until it was known follows. */
static void release_messages(gen *g)
{
    g->opened = true;
    if (g->session)
        say(g, "device %d: %s", sdcl_session_device(g->session)->index, sdcl_session_device(g->session)->name);
    if (g->held && !fclose(g->held)) fputs(g->held_text, stderr);
    g->held = NULL;
}

static void on_progress(void *user, const sdcl_progress *now)
{
    gen *g = user;
    sdcl_progress whole = *now;
    whole.image += g->first;
    whole.images = g->job.count;
    progress_show(&g->bar, &whole);
}

static int choose_seeds(gen *g)
{
    const options *o = g->o;
    bool list = o->seed_count > 1, one_stream = g->job.compat != SDCL_COMPAT_NONE;
    uint64_t seed = 0;
    uint32_t drawn = 0;
    g->job.count = list ? o->seed_count : o->batch;
    g->seeds = calloc((size_t)g->job.count, sizeof *g->seeds);
    if (!g->seeds) return cli_fail(SDCL_ENOMEM, "no memory for the seeds");
    if (o->seed_count) seed = o->seeds[0];
    else if (getrandom(&drawn, sizeof drawn, 0) == sizeof drawn) seed = drawn;
    else return cli_fail(SDCL_EINTERNAL, "the system has no random numbers");
    for (int i = 0; i < g->job.count; i++) g->seeds[i] = list ? o->seeds[i] : one_stream ? seed : seed + (uint64_t)i;
    g->job.seeds = g->seeds;
    return 0;
}

static output_request names_wanted(const gen *g, time_t now)
{
    const sdcl_job *j = &g->job;
    return (output_request){.given = g->o->output,
                            .force = g->o->force,
                            .count = j->count,
                            .seeds = j->seeds,
                            .prompt = j->prompt,
                            .sampler = j->sampler,
                            .steps = j->steps,
                            .width = j->width,
                            .height = j->height,
                            .now = now};
}

static void print_json(const char *file, int number, const char *device, const sdcl_image *p)
{
    fputs("{\"file\":", stdout);
    json_quote(stdout, file);
    printf(",\"index\":%d,\"seed\":%llu,\"sampler\":", number, (unsigned long long)p->seed);
    json_quote(stdout, p->sampler);
    fputs(",\"schedule\":", stdout);
    json_quote(stdout, p->schedule);
    printf(",\"steps\":%d,\"cfg_scale\":", p->steps);
    json_number(stdout, p->cfg_scale);
    printf(",\"width\":%d,\"height\":%d,\"device\":", p->width, p->height);
    json_quote(stdout, device);
    fputs(",\"precision\":", stdout);
    json_quote(stdout, p->precision);
    printf(",\"seconds\":{\"load\":%.4f,\"text\":%.4f,\"unet\":%.4f,\"vae\":%.4f,\"total\":%.4f}", p->seconds_load,
           p->seconds_text, p->seconds_unet, p->seconds_vae, p->seconds_total);
    printf(",\"peak_device_bytes\":%llu,\"nan_retries\":%d}\n", (unsigned long long)p->peak_device_bytes,
           p->nan_retries);
}

static int write_picture(gen *g, int i, const sdcl_image *p, const char *text)
{
    if (!g->names.path) {
        int err = sdcl_png_write_fd(STDOUT_FILENO, p->rgb, p->width, p->height, text);
        return err ? cli_fail(err, "standard output: %s", sdcl_last_error()) : 0;
    }
    for (;;) {
        const char *path = g->names.path[i];
        int err = sdcl_png_write(path, p->rgb, p->width, p->height, text, g->o->force);
        bool taken_since = err == SDCL_EOUTPUT && g->names.avoid && !g->o->force && !access(path, F_OK);
        if (!taken_since) {
            cli_library(err);
            if (err == SDCL_EOUTPUT && !g->o->force && !access(path, F_OK))
                cli_hint(
                    "something else has written it meanwhile: --force replaces it, -o [seed].png takes a free name");
            return err;
        }
        err = output_avoid(&g->names, i, false);
        if (err) return err;
    }
}

static int on_image(void *user, const sdcl_image *p)
{
    gen *g = user;
    int err = 0, i = g->first + p->index;
    char *text = NULL;
    rescue_end();
    if (!g->o->no_metadata) {
        text = infotext(&g->job, p, sdcl_session_model(g->session), sdcl_session_model_hash(g->session),
                        sdcl_session_vae(g->session), sdcl_session_vae_hash(g->session));
        if (!text) TRY(cli_fail(SDCL_ENOMEM, "no memory for a picture's text"));
    }
    TRY(write_picture(g, i, p, text));
    g->finished++;
    const char *file = g->names.path ? g->names.path[i] : "-";
    if (g->o->json) {
        print_json(file, i + 1, sdcl_session_device(g->session)->name, p);
        TRY(cli_flush(stdout, "standard output"));
    }
    say(g, "%s: seed %llu, %dx%d, %d steps of %s, %.2f s", file, (unsigned long long)p->seed, p->width, p->height,
        p->steps, p->sampler, p->seconds_total);
out:
    g->failed_here = err != 0;
    free(text);
    return err;
}

/* What the library failed with, after which nothing more is drawn. What has been written stays. */
static int stopped(const gen *g, int err)
{
    if (err == SDCL_EINTERRUPTED)
        return cli_fail(err, "interrupted\n%d of %d pictures are finished", g->finished, g->job.count);
    if (g->failed_here) return err;
    if (!g->finished || err == SDCL_EOUTPUT || err == SDCL_EPARTIAL) return cli_library(err);
    cli_fail(SDCL_EPARTIAL, "%s\n%d of %d pictures are finished", sdcl_last_error(), g->finished, g->job.count);
    cli_hint("%s", sdcl_last_hint());
    return SDCL_EPARTIAL;
}

/* Under --compat a batch is one stream of one seed: there a list of seeds is as many jobs. */
static bool jobs_apart(const gen *g) { return g->job.compat != SDCL_COMPAT_NONE && g->o->seed_count > 1; }

static sdcl_job first_job(const gen *g)
{
    sdcl_job job = g->job;
    if (jobs_apart(g)) job.count = 1;
    job.last = job.count == g->job.count;
    return job;
}

/* Of jobs apart, one whose picture fails is not the last. */
static int draw(gen *g)
{
    int failed = 0;
    sdcl_job job = first_job(g);
    for (g->first = 0; g->first < g->job.count; g->first += job.count) {
        job.seeds = g->seeds + g->first;
        job.last = g->first + job.count == g->job.count;
        int err = sdcl_generate(g->session, &job, on_image, g);
        progress_clear(&g->bar);
        if (err && (!jobs_apart(g) || err != SDCL_ERESULT)) return stopped(g, err);
        if (!err) continue;
        cli_library(err);
        failed++;
        say(g, "warning: picture %d, seed %llu: %s", g->first + 1, (unsigned long long)*job.seeds, cli_last_error());
    }
    if (!failed || failed == g->job.count) return failed ? SDCL_ERESULT : 0;
    return cli_fail(SDCL_EPARTIAL, "%d of %d pictures failed", failed, g->job.count);
}

static int dry_run(gen *g)
{
    sdcl_memory m = {0};
    sdcl_job job = first_job(g);
    int err = cli_library(sdcl_dry_run(g->session, &job, &m));
    if (!err) report_memory(g->o, sdcl_session_device(g->session), &g->job, &m);
    return err;
}

static int open_session(gen *g)
{
    sdcl_params params = g->o->params;
    params.log = on_log;
    params.progress = on_progress;
    params.cancelled = signals_cancelled;
    params.user = g;
    g->held = open_memstream(&g->held_text, &g->held_size);
    int err = cli_library(sdcl_open(&g->session, &params));
    release_messages(g);
    if (err == SDCL_EINTERRUPTED || (!err && signals_caught())) return cli_fail(SDCL_EINTERRUPTED, "interrupted");
    return err;
}

/* A1111's spelling of the sampler works, but its numbers are those of sdcl. */
static void hint_sampler(gen *g)
{
    if (g->o->sampler && strcmp(g->o->sampler, g->job.sampler))
        say(g, "'%s' is %s here; a seed gives another picture than in A1111", g->o->sampler, g->job.sampler);
}

int cli_gen(const options *o)
{
    int err = 0;
    gen g = {.o = o, .job = o->job};
    time_t now = time(NULL);
    signals_install();
    progress_begin(&g.bar, o->progress, o->verbosity == QUIET);
    if (o->compat) g.job.compat = SDCL_COMPAT_DIFFUSERS;
    if (!strcmp(o->job.prompt, "-")) {
        TRY(prompt_read(STDIN_FILENO, &g.prompt));
        g.job.prompt = g.prompt;
        rescue_keep_prompt(g.prompt);
    }
    TRY(choose_seeds(&g));
    output_request wanted = names_wanted(&g, now);
    if (!o->dry_run) TRY(output_plan(&g.names, &wanted));
    rescue_begin(o->argv);
    TRY(open_session(&g));
    hint_sampler(&g);
    TRY(cli_library(sdcl_job_resolve(g.session, &g.job)));
    if (o->dry_run) {
        TRY(dry_run(&g));
        goto out;
    }
    if (output_needs_model(&wanted)) {
        wanted = names_wanted(&g, now);
        output_close(&g.names);
        TRY(output_plan(&g.names, &wanted));
    }
    if (!o->seed_count) say(&g, "seed %llu", (unsigned long long)g.seeds[0]);
    TRY(draw(&g));
    if (o->params.profile) TRY(report_profile(g.session));
out:
    progress_clear(&g.bar);
    rescue_end();
    output_close(&g.names);
    if (err || LEAKS_ARE_COUNTED) sdcl_close(&g.session);
    if (g.held) fclose(g.held);
    free(g.held_text);
    free(g.seeds);
    free(g.prompt);
    return err;
}
