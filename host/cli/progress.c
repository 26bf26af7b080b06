/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include "cli/json.h"
#include "cli/options.h"
#include "cli/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH_UNKNOWN = 80, SECONDS_MAX = 359999 };

static const double REDRAW_SECONDS = 0.05; /* within a stage; weights come by the thousand */

void progress_begin(progress *p, const char *choice, bool quiet)
{
    const char *terminal = getenv("TERM");
    bool redraws = isatty(STDERR_FILENO) && (!terminal || strcmp(terminal, "dumb"));
    *p = (progress){.mode = PROGRESS_OFF};
    if (quiet) return;
    if (!strcmp(choice, "json")) p->mode = PROGRESS_JSON;
    else if (!strcmp(choice, "auto") && redraws) p->mode = PROGRESS_LINE;
}

/* mm:ss, with hours where there are any. */
static void print_time(FILE *f, double seconds)
{
    int s = seconds > 0 ? seconds < SECONDS_MAX ? (int)seconds : SECONDS_MAX : 0;
    if (s >= 3600) fprintf(f, "%d:", s / 3600);
    fprintf(f, "%02d:%02d", s / 60 % 60, s % 60);
}

void progress_format(char *out, size_t size, const sdcl_progress *now, int width)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    out[0] = 0;
    if (!f) return;
    if (now->images > 1)
        fprintf(f, "picture %d/%d  ", now->image < now->images ? now->image + 1 : now->images, now->images);
    fputs(now->stage, f);
    if (now->steps > 0) fprintf(f, " %d/%d", now->step, now->steps);
    fputs(" [", f);
    print_time(f, now->seconds);
    if (now->steps > 0 && now->step > 0 && now->seconds > 0) {
        double each = now->seconds / now->step;
        fputc('<', f);
        print_time(f, each * (now->steps - now->step));
        if (each < 1) fprintf(f, ", %.2fit/s", 1 / each);
        else fprintf(f, ", %.2fs/it", each);
    }
    fputc(']', f);
    fclose(f);
    if (text) snprintf(out, size, "%.*s", width > 1 ? width - 1 : 1, text);
    free(text);
}

static int terminal_width(void)
{
    struct winsize w;
    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &w) && w.ws_col ? w.ws_col : WIDTH_UNKNOWN;
}

static void show_json(const sdcl_progress *now)
{
    fputs("{\"stage\":", stderr);
    json_quote(stderr, now->stage);
    fprintf(stderr, ",\"step\":%d,\"steps\":%d,\"seconds\":%.3f,\"image\":%d,\"images\":%d}\n", now->step, now->steps,
            now->seconds, now->image, now->images);
}

static double seconds_steady(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_show(progress *p, const sdcl_progress *now)
{
    if (p->mode == PROGRESS_JSON) show_json(now);
    if (p->mode != PROGRESS_LINE) return;
    double at = seconds_steady();
    bool same_stage = p->stage && !strcmp(p->stage, now->stage);
    if (same_stage && now->step < now->steps && at - p->drawn_at < REDRAW_SECONDS) return;
    char line[256];
    progress_format(line, sizeof line, now, terminal_width());
    fprintf(stderr, "\r\033[K%s", line);
    p->drawn = true;
    p->drawn_at = at;
    p->stage = now->stage;
}

void progress_line(progress *p, const char *text)
{
    int width = terminal_width();
    if (p->mode != PROGRESS_LINE) return;
    fprintf(stderr, "\r\033[K%.*s", width > 1 ? width - 1 : 1, text);
    p->drawn = true;
}

void progress_clear(progress *p)
{
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

void progress_log(progress *p, FILE *f, int verbosity, sdcl_level level, const char *message)
{
    if (level == SDCL_INFO && verbosity == QUIET) return;
    if (level == SDCL_VERBOSE && verbosity != VERBOSE) return;
    if (p) progress_clear(p);
    fputs(level == SDCL_WARNING ? "sdcl: warning: " : "sdcl: ", f);
    utf8_print(f, message);
    fputc('\n', f);
}
