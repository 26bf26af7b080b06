/* SPDX-License-Identifier: MIT */
/* One page about a search: no script, nothing fetched, readable in light and dark. */
#include "tune/report.h"

#include "base/error.h"
#include "ops/peak.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REJECTIONS_MAX = 40, MAPS_MAX = 4 };

static const char style[] =
    ":root{--bg:#fbfbfa;--fg:#1d2327;--soft:#66707a;--line:#dfe3e6;--card:#fff;--heat:#2a78d6;--bad:#c0392b;--c0:#"
    "2a78d6;"
    "--c1:#d9772b;--c2:#2f9e6e;--c3:#9a58c4;--c4:#b08900}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;--soft:#98a2ab;--line:#2c3339;--card:#1b2024;"
    "--heat:#4b96ee;--bad:#e0604f;--c0:#5aa2f2;--c1:#f09a54;--c2:#4cc493;--c3:#bd83e3;--c4:#d6ae2c}}"
    "body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}"
    "main{max-width:1180px;margin:0 auto;padding:32px 20px}h1{font-size:26px;margin:0}h2{font-size:18px;margin:36px 0 "
    "8px}"
    "h3{font-size:15px;font-weight:600;margin:20px 0 6px}p{color:var(--soft);margin:4px 0 12px}"
    ".big{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));margin:20px 0}.big "
    "div{background:var(--card);border:1px solid "
    "var(--line);border-radius:10px;padding:12px 18px}.big b{display:block;font-size:26px}"
    ".big span{color:var(--soft);font-size:13px}.card{background:var(--card);border:1px solid "
    "var(--line);border-radius:10px;padding:12px;overflow-x:auto}svg{width:100%;height:auto;display:block}"
    "svg text{fill:var(--soft);font-size:12px}svg .name{fill:var(--fg)}.grid{stroke:var(--line)}"
    ".roof,.line{fill:none;stroke:var(--fg);stroke-width:2}.line{stroke:var(--c0)}.dot{stroke:var(--card)}"
    ".ring{fill:none!important;stroke-width:1.6;opacity:.7}.heat{fill:var(--heat)}.bad{fill:var(--bad)}"
    ".map text{fill:var(--fg)}.map .on{fill:#fff}.none{fill:none;stroke:var(--line);stroke-dasharray:2 "
    "3}.maps{display:flex;flex-wrap:wrap;gap:20px}.maps svg{flex:1 1 300px}.card:not(.maps)>svg{min-width:640px}"
    ".c0{fill:var(--c0);stroke:var(--c0)}.c1{fill:var(--c1);stroke:var(--c1)}.c2{fill:var(--c2);stroke:var(--c2)}"
    ".c3{fill:var(--c3);stroke:var(--c3)}.c4{fill:var(--c4);stroke:var(--c4)}"
    "table{border-collapse:collapse;width:100%;font-size:13px}th{text-align:left;color:var(--soft);font-weight:500}"
    "td,th{padding:5px 8px;border-bottom:1px solid var(--line);white-space:nowrap}.n{text-align:right;"
    "font-variant-numeric:tabular-nums}.key{display:inline-block;width:10px;height:10px;border-radius:5px;margin:0 5px "
    "0 "
    "14px}.op{white-space:nowrap}td "
    "code{display:inline-block;min-width:28ch}code{font-size:12px;white-space:normal}.soft{color:var(--soft)}.gain{"
    "color:var(--c2);font-weight:600}"
    ".bar{display:inline-block;height:8px;border-radius:2px;background:var(--heat);opacity:.5;margin-right:6px}"
    "summary{cursor:pointer;color:var(--soft);padding:10px 8px;font-size:13px}.sum{margin:12px 8px "
    "4px}.dot{fill-opacity:.75}";

void html_text(strbuf *out, const char *text)
{
    for (const char *s = text; *s; s++) switch (*s) {
        case '<': strbuf_puts(out, "&lt;"); break;
        case '>': strbuf_puts(out, "&gt;"); break;
        case '&': strbuf_puts(out, "&amp;"); break;
        case '"': strbuf_puts(out, "&quot;"); break;
        default: strbuf_add(out, s, 1);
        }
}

static bool has_op(const tuner *t, const check_keyed *op)
{
    for (int i = 0; i < t->key_count; i++)
        if (t->key[i].check.op == op) return true;
    return false;
}

static void legend(strbuf *out, const tuner *t)
{
    strbuf_puts(out, "<p>");
    for (const check_keyed *const *o = check_keyed_ops; *o; o++)
        if (has_op(t, *o))
            strbuf_printf(out,
                          "<span class=\"op\"><span class=\"key\" style=\"background:var(--c%d)\"></span>%s</span> ",
                          op_class((*o)->op), (*o)->op);
    strbuf_puts(out, "</p>\n");
}

static void head(strbuf *out, const tuner *t, const sdcl_tune_result *r)
{
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    int trials = 0, rejected = 0;
    for (int i = 0; i < t->key_count; i++)
        for (int j = 0; j < t->key[i].trial_count; j++) {
            trials++;
            rejected += !t->key[i].trial[j].ok;
        }
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    strbuf_printf(out,
                  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                  "content=\"width=device-width\"><title>sdcl tune</title><style>%s</style></head><body><main>\n<h1>",
                  style);
    html_text(out, t->device.info.name);
    strbuf_puts(out, "</h1>\n<p>driver ");
    html_text(out, t->device.info.driver);
    strbuf_printf(out, ", sdcl " SDCL_VERSION ", %s</p>\n<div class=\"big\">", date);
    if (r->before_s > 0)
        strbuf_printf(out,
                      "<div><b>%.3g s</b><span>a picture before</span></div><div><b>%.3g s</b><span>%s</span></div>"
                      "<div><b>%.2f\xc3\x97</b><span>as fast</span></div>",
                      r->before_s, r->after_s, r->written ? "and now" : "with the best found (not written)",
                      r->before_s / r->after_s);
    strbuf_printf(out,
                  "<div><b>%d</b><span>candidates</span></div><div><b>%d</b><span>rejected</span></div><div><b>%d</b>"
                  "<span>shapes</span></div></div>\n",
                  trials, rejected, t->key_count);
}

/* What is another value now: "cpu -> winograd TILE=4", "MR 8 -> 6", or nothing. */
static void changes(strbuf *out, const tune_key *k)
{
    const candidate *now = &k->trial[k->best].c, *before = &k->known[0];
    const space *s = &k->space[now->space];
    char values[1024];
    if (candidate_same(k, now, before)) {
        strbuf_puts(out, "<span class=\"soft\">as before</span>");
        return;
    }
    if (now->space != before->space) {
        candidate_text(k, now, values, sizeof values);
        html_text(out, k->space[before->space].impl);
        strbuf_puts(out, " \xe2\x86\x92 ");
        html_text(out, values);
        return;
    }
    for (int i = 0, n = 0; i < s->axes; i++) {
        const axis *a = &s->axis[i];
        if (now->pick[i] == before->pick[i]) continue;
        strbuf_printf(out, "%s%s %s \xe2\x86\x92 %s", n++ ? ", " : "", a->section->tunables[a->index].name,
                      a->word[before->pick[i]], a->word[now->pick[i]]);
    }
}

static double before_ms(const tune_key *k)
{
    double first = key_first_ms(k);
    return k->count * (first > 0 ? first : key_ms(k));
}

static int by_time(const void *a, const void *b)
{
    double x = before_ms(*(const tune_key *const *)a), y = before_ms(*(const tune_key *const *)b);
    return x > y ? -1 : x < y;
}

static void row(strbuf *out, const tune_key *k, double all)
{
    double ms = key_ms(k), first = key_first_ms(k), share = before_ms(k) / all;
    if (!(first > 0)) first = ms;
    strbuf_printf(out, "<tr><td><span class=\"key\" style=\"margin-left:0;background:var(--c%d)\"></span>",
                  op_class(k->check.op->op));
    html_text(out, k->text);
    strbuf_printf(out,
                  "</td><td class=\"n\">%g</td><td class=\"n\">%.4g</td><td class=\"n\">%.4g</td><td class=\"n\">%.4f"
                  "</td><td class=\"n\">%.4f</td><td class=\"n\"><span class=\"bar\" style=\"width:%.0fpx\"></span>"
                  "%.1f %%</td><td class=\"n%s\">%.2f\xc3\x97</td><td><code>",
                  k->count, first, ms, k->count * first * 1e-3, k->count * ms * 1e-3, 60 * share, 100 * share,
                  ms < ENOUGH * first ? " gain" : "", first / ms);
    changes(out, k);
    strbuf_puts(out, "</code></td></tr>\n");
}

static void columns(strbuf *out, const char *best)
{
    strbuf_printf(
        out,
        "<table><tr><th>step</th><th class=\"n\">a picture</th><th class=\"n\">ms before</th><th class=\"n\">ms %s"
        "</th><th class=\"n\">s before</th><th class=\"n\">s %s</th><th class=\"n\">share</th>"
        "<th class=\"n\">faster</th><th>values</th></tr>\n",
        best, best);
}

/* Most expensive first; those that together are a twentieth of the time are folded. best: what the best values are called. */
static void table(strbuf *out, const tuner *t, const char *best)
{
    double before = 0, after = 0, shown = 0;
    int n = 0;
    bool folded = false;
    const tune_key **key = calloc((size_t)t->key_count + 1, sizeof *key);
    for (int i = 0; key && i < t->key_count; i++) {
        if (!(key_ms(&t->key[i]) > 0)) continue;
        key[n++] = &t->key[i];
        before += before_ms(&t->key[i]);
        after += t->key[i].count * key_ms(&t->key[i]);
    }
    if (!n) {
        strbuf_puts(out, "<h2>Before and after</h2>\n<div class=\"card\"><p>No step has been measured.</p></div>\n");
        free(key);
        return;
    }
    qsort(key, (size_t)n, sizeof *key, by_time);
    strbuf_puts(out, "<h2>Before and after</h2>\n<p>What each kind of step takes of a picture of 20 steps, measured "
                     "alone; most expensive first.</p><div class=\"card\">");
    columns(out, best);
    for (int i = 0; i < n; i++) {
        if (!folded && shown > 0.95 * before) {
            folded = true;
            strbuf_printf(out, "</table><details><summary>%d more steps, %.1f %% of the time</summary>", n - i,
                          100 * (1 - shown / before));
            columns(out, best);
        }
        row(out, key[i], before);
        shown += before_ms(key[i]);
    }
    strbuf_printf(out,
                  "</table>%s<p class=\"sum\">All steps: <b>%.4f s</b> before, <b>%.4f s</b> %s, %.2f\xc3\x97 as fast"
                  "</p></div>\n",
                  folded ? "</details>" : "", before * 1e-3, after * 1e-3, best, after > 0 ? before / after : 1);
    free(key);
}

/* The keys with most to show: those that were tried most often. */
static void maps(strbuf *out, const tuner *t)
{
    bool any = false, *drawn = calloc((size_t)t->key_count + 1, sizeof *drawn);
    strbuf_puts(out, "<h2>Pairs of values</h2>\n<p>Least milliseconds of the candidates with two values at a time; "
                     "darker is faster, "
                     "\xc3\x97 was rejected, empty was not tried.</p>\n");
    for (int n = 0; drawn && n < MAPS_MAX; n++) {
        int most = -1;
        for (int i = 0; i < t->key_count; i++)
            if (!drawn[i] && t->key[i].best >= 0 && (most < 0 || t->key[i].trial_count > t->key[most].trial_count))
                most = i;
        if (most < 0 || t->key[most].trial_count < 4) break;
        drawn[most] = any = true;
        strbuf_puts(out, "<h3>");
        html_text(out, t->key[most].text);
        strbuf_puts(out, "</h3><div class=\"card maps\">\n");
        draw_heat_maps(out, &t->key[most]);
        strbuf_puts(out, "</div>\n");
    }
    if (!any) strbuf_puts(out, "<div class=\"card\"><p>Too few candidates for a map.</p></div>\n");
    free(drawn);
}

/* What was rejected, and why; the first few. */
static void rejections(strbuf *out, const tuner *t)
{
    int n = 0, more = 0;
    for (int i = 0; i < t->key_count; i++)
        for (int j = 0; j < t->key[i].trial_count; j++) {
            char values[1024];
            const trial *one = &t->key[i].trial[j];
            if (one->ok) continue;
            if (n >= REJECTIONS_MAX) {
                more++;
                continue;
            }
            if (!n++)
                strbuf_puts(out, "<h2>Rejected</h2>\n<div class=\"card\"><table><tr><th>step</th><th>reason</th>"
                                 "<th>values</th></tr>\n");
            candidate_text(&t->key[i], &one->c, values, sizeof values);
            strbuf_puts(out, "<tr><td>");
            html_text(out, t->key[i].text);
            strbuf_puts(out, "</td><td>");
            html_text(out, one->why);
            strbuf_puts(out, "</td><td>");
            html_text(out, values);
            strbuf_puts(out, "</td></tr>\n");
        }
    if (n) strbuf_puts(out, "</table>");
    if (more) strbuf_printf(out, "<p class=\"sum\">%d more, in the records</p>", more);
    if (n) strbuf_puts(out, "</div>\n");
}

/* Peaks, where the comparison of pictures has not measured them. */
static int measure_peaks(const tuner *t, sdcl_tune_result *r)
{
    int err = 0;
    config *values = NULL;
    ocl *o = NULL;
    if (r->peak_gflops > 0) return 0;
    TRY(config_open(&values, ops_sections, &t->device.info, NULL, NULL, 0));
    TRY(ocl_open(&o, &t->device, values, false));
    TRY(peak_fma(o, &r->peak_gflops));
    TRY(peak_copy(o, &r->copy_gbs));
out:
    ocl_close(&o);
    config_close(&values);
    return err;
}

int report_write(const tuner *t, const char *folder, sdcl_tune_result *r)
{
    int err = 0;
    strbuf out = {0}, path = {0};
    FILE *f = NULL;
    const char *best = r->written ? "now" : "best found";
    TRY(measure_peaks(t, r));
    head(&out, t, r);
    strbuf_printf(&out,
                  "<h2>Roofline</h2>\n<p>Every kind of step: rings before, dots %s; the area is its share of a "
                  "picture's time. The roof is what this device copied and "
                  "multiplied at best; "
                  "Winograd does a convolution with fewer products than are counted here, and may lie above it.</p>\n",
                  best);
    legend(&out, t);
    strbuf_puts(&out, "<div class=\"card\">");
    draw_roofline(&out, t, r->peak_gflops, r->copy_gbs);
    strbuf_puts(&out, "</div>\n<h2>Convergence</h2>\n<div class=\"card\">");
    draw_convergence(&out, t);
    strbuf_puts(&out, "</div>\n");
    maps(&out, t);
    table(&out, t, best);
    rejections(&out, t);
    strbuf_puts(&out, "</main></body></html>\n");
    strbuf_printf(&path, "%s/index.html", folder);
    if (out.failed || path.failed) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    f = fopen(path.s, "w");
    if (!f || fwrite(out.s, 1, out.n, f) != out.n || fflush(f))
        err = FAIL(SDCL_EOUTPUT, "cannot write %s: %s", path.s, strerror(errno));
out:
    if (f) fclose(f);
    strbuf_free(&out);
    strbuf_free(&path);
    return err;
}
