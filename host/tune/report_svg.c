/* SPDX-License-Identifier: MIT */
#include "tune/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 860,
    HEIGHT = 420,
    LEFT = 64,
    RIGHT = 20,
    TOP = 16,
    BOTTOM = 44,
    PAIRS_MAX = 3,
    CELL_W = 62,
    CELL_H = 30
};

/* A logarithmic or linear axis from the page's units to pixels. */
typedef struct scale {
    double low, high;
    double from, to; /* pixels */
    bool log;
} scale;

static double at(const scale *s, double v)
{
    double f = s->log ? log(v / s->low) / log(s->high / s->low) : (v - s->low) / (s->high - s->low);
    return s->from + f * (s->to - s->from);
}

int op_class(const char *op)
{
    int i = 0;
    for (const check_keyed *const *o = check_keyed_ops; *o && strcmp((*o)->op, op) != 0; o++) i++;
    return i;
}

static void begin(strbuf *out, int width, int height, const char *label)
{
    strbuf_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", width, height, label);
}

static void tick_x(strbuf *out, const scale *x, double v)
{
    strbuf_printf(out,
                  "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
                  "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                  at(x, v), at(x, v), TOP, HEIGHT - BOTTOM, at(x, v), HEIGHT - BOTTOM + 16, v);
}

static void tick_y(strbuf *out, const scale *y, double v)
{
    strbuf_printf(out,
                  "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                  "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                  LEFT, WIDTH - RIGHT, at(y, v), at(y, v), LEFT - 6, at(y, v) + 4, v);
}

static void axis_names(strbuf *out, const char *x, const char *y)
{
    strbuf_printf(out,
                  "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" class=\"name\">%s</text>"
                  "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\" class=\"name\">%s</text>\n",
                  (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x, (TOP + HEIGHT - BOTTOM) / 2, y);
}

/* 1, 2 or 5 times a power of ten: steps of an axis that has about n of them. */
static double round_step(double range, int n)
{
    double power = pow(10, floor(log10(range / n))), f = range / n / power;
    return power * (f <= 1 ? 1 : f <= 2 ? 2 : f <= 5 ? 5 : 10);
}

/* --- roofline --- */

/* picture: milliseconds a picture that all steps take; the area is the step's share of it. */
static void dot(strbuf *out, const scale *x, const scale *y, const tune_key *k, double ms, bool after, double picture)
{
    double rate = k->gflop / ms * 1e3, intensity = k->gflop / k->gbyte;
    if (!(rate > 0) || !isfinite(intensity)) return;
    strbuf_printf(out, "<circle class=\"c%d %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>", op_class(k->check.op->op),
                  after ? "dot" : "ring", at(x, intensity), at(y, rate), 3 + 30 * sqrt(k->count * ms / picture / 5));
    html_text(out, k->text);
    strbuf_printf(out, ", %s: %.4g ms, %.4g s a picture, %.4g GFLOP/s, %.3g FLOP a byte</title></circle>\n",
                  after ? "now" : "before", ms, k->count * ms * 1e-3, rate, intensity);
}

void draw_roofline(strbuf *out, const tuner *t, double peak, double copy)
{
    double slowest = peak / 10, fastest = peak, picture = 0;
    scale x = {0.25, 1024, LEFT, WIDTH - RIGHT, true}, y = {1, peak * 1.6, HEIGHT - BOTTOM, TOP, true};
    for (int i = 0; i < t->key_count; i++) {
        const tune_key *k = &t->key[i];
        double first = key_first_ms(k), ms = first > key_ms(k) ? first : key_ms(k);
        picture += k->count * ms;
        if (ms > 0 && k->gflop > 0 && k->gflop / ms * 1e3 < slowest) slowest = k->gflop / ms * 1e3;
        if (key_ms(k) > 0 && k->gflop / key_ms(k) * 1e3 > fastest) fastest = k->gflop / key_ms(k) * 1e3;
    }
    y.low = pow(10, floor(log10(slowest)));
    y.high = 1.5 * fastest;
    begin(out, WIDTH, HEIGHT, "Roofline");
    for (double v = 0.25; v <= 1024; v *= 4) tick_x(out, &x, v);
    for (double v = y.low; v <= y.high; v *= 10) tick_y(out, &y, v);
    axis_names(out, "FLOP a byte that has to be moved", "GFLOP/s");
    double ridge = peak / copy, start = fmax(x.low, y.low / copy);
    if (ridge > x.low && ridge < x.high)
        strbuf_printf(
            out,
            "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f\"><title>copying %.4g GB/s, multiply-add "
            "%.5g GFLOP/s, both measured</title></path>\n",
            at(&x, start), at(&y, copy * start), at(&x, ridge), at(&y, peak), at(&x, x.high), at(&y, peak), copy, peak);
    strbuf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g GFLOP/s; %.4g GB/s</text>\n",
                  WIDTH - RIGHT - 4, at(&y, peak) + 16, peak, copy);
    for (int after = 0; after < 2; after++)
        for (int i = 0; i < t->key_count; i++) {
            const tune_key *k = &t->key[i];
            double ms = after ? key_ms(k) : key_first_ms(k);
            if (ms > 0 && k->gflop > 0 && k->gbyte > 0) dot(out, &x, &y, k, ms, after, picture);
        }
    strbuf_puts(out, "</svg>\n");
}

/* --- convergence --- */

typedef struct moment {
    double at, ms;
    int key;
} moment;

static int earlier(const void *a, const void *b)
{
    const moment *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

void draw_convergence(strbuf *out, const tuner *t)
{
    int n = 0, count = 0;
    double sum = 0, *best = calloc((size_t)t->key_count + 1, sizeof *best);
    for (int i = 0; i < t->key_count; i++) count += t->key[i].trial_count;
    moment *list = calloc((size_t)count + 1, sizeof *list);
    for (int i = 0; i < t->key_count && list && best; i++) {
        const tune_key *k = &t->key[i];
        double first = key_first_ms(k);
        best[i] = first > 0 ? first : key_ms(k); /* every step counts from the start with the values in force */
        sum += k->count * best[i] * 1e-3;
        for (int j = 0; j < k->trial_count; j++)
            list[n++] = (moment){k->trial[j].at, k->trial[j].ok ? k->trial[j].min_ms : INFINITY, i};
    }
    if (n > 1) {
        qsort(list, (size_t)n, sizeof *list, earlier);
        double low = 0;
        for (int i = 0; i < t->key_count; i++) low += t->key[i].count * key_ms(&t->key[i]) * 1e-3;
        if (low >= sum) low = sum * 0.99;
        double unit = sum < 1 ? 1e3 : 1; /* axis in ms or s */
        low *= unit;
        double first = sum * unit, step_y = round_step(1.1 * (first - low), 5), step_x = fmax(1, round_step(n, 6));
        scale x = {0, n, LEFT, WIDTH - RIGHT, false};
        scale y = {floor(low / step_y - 0.3) * step_y, ceil(first / step_y + 0.1) * step_y, HEIGHT - BOTTOM, TOP,
                   false};
        begin(out, WIDTH, HEIGHT, "Convergence");
        for (double v = y.low; v <= y.high + step_y / 2; v += step_y) tick_y(out, &y, v);
        for (double v = 0; v <= n; v += step_x)
            strbuf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", at(&x, v),
                          HEIGHT - BOTTOM + 16, v);
        axis_names(out, "candidates, in the order in which they were tried",
                   unit > 1 ? "milliseconds a picture, sum of its steps" : "seconds a picture, sum of its steps");
        strbuf_printf(out, "<path class=\"line\" d=\"M%.1f %.1f", at(&x, x.low), at(&y, first));
        for (int i = 0; i < n; i++) {
            const moment *m = &list[i];
            if (m->ms >= best[m->key]) continue;
            sum -= t->key[m->key].count * (best[m->key] - m->ms) * 1e-3;
            best[m->key] = m->ms;
            strbuf_printf(out, "H%.1fV%.1f", at(&x, i + 1), at(&y, sum * unit));
        }
        strbuf_printf(out, "H%d\"/>\n", WIDTH - RIGHT);
        strbuf_printf(out,
                      "<text class=\"name\" x=\"%d\" y=\"%.1f\">%.4g %s with the values in force</text>"
                      "<text class=\"name\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g %s</text></svg>\n",
                      LEFT + 8, at(&y, first) - 7, first, unit > 1 ? "ms" : "s", WIDTH - RIGHT - 4,
                      at(&y, sum * unit) + 17, sum * unit, unit > 1 ? "ms" : "s");
    } else {
        strbuf_puts(out, "<p>Too few candidates for a curve.</p>\n");
    }
    free(list);
    free(best);
}

/* --- heat maps --- */

/* Least milliseconds of the trials in space s with choice u of axis a and v of axis b; 0: none. failed: one was rejected. */
static double cell(const tune_key *k, int s, int a, int u, int b, int v, bool *failed)
{
    double least = 0;
    *failed = false;
    for (int i = 0; i < k->trial_count; i++) {
        const trial *t = &k->trial[i];
        if (t->c.space != s || t->c.pick[a] != u || t->c.pick[b] != v) continue;
        if (!t->ok) *failed = true;
        else if (!(least > 0) || t->min_ms < least) least = t->min_ms;
    }
    return least;
}

static int cells_of(const tune_key *k, int s, int a, int b)
{
    int n = 0;
    bool failed;
    const space *p = &k->space[s];
    for (int u = 0; u < p->axis[a].count; u++)
        for (int v = 0; v < p->axis[b].count; v++) n += cell(k, s, a, u, b, v, &failed) > 0;
    return n;
}

static void draw_map(strbuf *out, const tune_key *k, int s, int a, int b)
{
    const space *p = &k->space[s];
    const axis *x = &p->axis[a], *y = &p->axis[b];
    const char *x_name = x->section->tunables[x->index].name, *y_name = y->section->tunables[y->index].name;
    double best = key_ms(k);
    bool failed;
    strbuf_printf(
        out,
        "<svg class=\"map\" viewBox=\"0 0 %d %d\" style=\"max-width:%dpx\" role=\"img\" aria-label=\"%s by %s\">\n",
        70 + x->count * CELL_W, 50 + y->count * CELL_H, 70 + x->count * CELL_W, x_name, y_name);
    for (int u = 0; u < x->count; u++)
        strbuf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>", 70 + u * CELL_W + CELL_W / 2,
                      y->count * CELL_H + 20, x->word[u]);
    for (int v = 0; v < y->count; v++) {
        strbuf_printf(out, "<text x=\"64\" y=\"%d\" text-anchor=\"end\">%s</text>", v * CELL_H + 20, y->word[v]);
        for (int u = 0; u < x->count; u++) {
            double ms = cell(k, s, a, u, b, v, &failed);
            double shade = ms > 0 ? fmax(0.08, 1 - log(ms / best) / log(4)) : 0;
            if (!(ms > 0) && !failed) { /* not tried */
                strbuf_printf(out, "<rect class=\"none\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>",
                              70 + u * CELL_W + 1, v * CELL_H + 1, CELL_W - 2, CELL_H - 2);
                continue;
            }
            strbuf_printf(out,
                          "<g><rect class=\"%s\" style=\"fill-opacity:%.2f\" x=\"%d\" y=\"%d\" width=\"%d\" "
                          "height=\"%d\" rx=\"3\"/>",
                          ms > 0 ? "heat" : "bad", ms > 0 ? shade : 0.5, 70 + u * CELL_W + 1, v * CELL_H + 1,
                          CELL_W - 2, CELL_H - 2);
            strbuf_printf(out, "<text%s x=\"%d\" y=\"%d\" text-anchor=\"middle\">", shade > 0.6 ? " class=\"on\"" : "",
                          70 + u * CELL_W + CELL_W / 2, v * CELL_H + 19);
            if (ms > 0) strbuf_printf(out, "%.3g", ms);
            else strbuf_puts(out, "\xc3\x97");
            strbuf_printf(out, "</text><title>%s = %s, %s = %s: ", x_name, x->word[u], y_name, y->word[v]);
            if (ms > 0) strbuf_printf(out, "%.4g ms, %.2f times the best</title></g>\n", ms, ms / best);
            else strbuf_puts(out, "rejected</title></g>\n");
        }
    }
    strbuf_printf(out, "<text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                  70 + x->count * CELL_W / 2, y->count * CELL_H + 40, x_name);
    strbuf_printf(
        out, "<text class=\"name\" transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">%s</text></svg>\n",
        y->count * CELL_H / 2, y_name);
}

void draw_heat_maps(strbuf *out, const tune_key *k)
{
    bool drawn[AXES_MAX][AXES_MAX] = {{false}};
    int s = k->trial[k->best].c.space;
    const space *p = &k->space[s];
    for (int n = 0; n < PAIRS_MAX; n++) {
        int most = 3, x = -1, y = -1;
        for (int a = 0; a < p->axes; a++)
            for (int b = a + 1; b < p->axes; b++) {
                int c = drawn[a][b] ? 0 : cells_of(k, s, a, b);
                if (c <= most) continue;
                most = c;
                x = a;
                y = b;
            }
        if (x < 0) break;
        drawn[x][y] = true;
        draw_map(out, k, s, x, y);
    }
}
