/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/utf8.h"
#include "cli/verbs.h"

#include <string.h>

typedef struct listing {
    const options *o;
    int rows;
} listing;

static void on_log(void *user, sdcl_level level, const char *message)
{
    const listing *l = user;
    progress_log(NULL, stderr, l->o->verbosity, level, message);
}

static bool is_picture(const sdcl_selftest_row *r) { return !strcmp(r->op, "picture"); }

static void print_text(listing *l, const sdcl_selftest_row *r)
{
    char worst[32];
    if (!l->rows++)
        printf("%-13s %-10s %-9s %6s %7s  %-12s %8s\n", "op", "impl", "precision", "cases", "failed", "worst",
               "seconds");
    if (is_picture(r)) snprintf(worst, sizeof worst, "PSNR %.1f", r->psnr);
    else snprintf(worst, sizeof worst, "NMSE %.1e", r->nmse);
    printf("%-13s %-10s %-9s %6d %7d  %-12s %8.2f\n", r->op, *r->impl ? r->impl : "-", r->precision, r->cases,
           r->failed, worst, r->seconds);
    if (r->failed) {
        fputs("    wrong: ", stdout);
        utf8_print(stdout, r->why);
        fputc('\n', stdout);
    }
    fflush(stdout);
}

static void print_json(const sdcl_selftest_row *r)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"op", r->op}, {"impl", r->impl}, {"precision", r->precision}, {"why", r->why}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf("%s\"%s\":", i ? "," : "{", texts[i].key);
        json_quote(stdout, texts[i].value);
    }
    printf(",\"cases\":%d,\"failed\":%d,\"%s\":", r->cases, r->failed, is_picture(r) ? "psnr" : "nmse");
    json_number(stdout, is_picture(r) ? r->psnr : r->nmse);
    fputs(",\"seconds\":", stdout);
    json_number(stdout, r->seconds);
    fputs("}\n", stdout);
    fflush(stdout);
}

static void on_row(void *user, const sdcl_selftest_row *r)
{
    listing *l = user;
    if (l->o->json) print_json(r);
    else print_text(l, r);
}

int cli_selftest(const options *o)
{
    listing l = {.o = o};
    sdcl_params params = o->params;
    params.log = on_log;
    params.cancelled = signals_cancelled;
    params.user = &l;
    signals_install();
    int err = sdcl_selftest(&params, on_row, &l);
    return err == SDCL_EINTERRUPTED ? cli_fail(err, "interrupted") : cli_library(err);
}
