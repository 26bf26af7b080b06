/* SPDX-License-Identifier: MIT */
#include "ref/ref.h"

#include <math.h>

static double act(double v, ref_act a)
{
    switch (a) {
    case REF_SILU: return v / (1 + exp(-v));
    case REF_GELU: return 0.5 * v * (1 + erf(v / sqrt(2)));
    case REF_QUICK_GELU: return v / (1 + exp(-1.702 * v));
    default: return v;
    }
}

/* The product's row r, column j of n: sum, and the gate's sum with geglu. */
static double finish(double sum, double gate, int r, int j, int n, int image, const ref_epilogue *e)
{
    if (e->bias) sum += e->bias[j];
    if (e->geglu) sum *= act(gate + (e->bias ? e->bias[n + j] : 0), REF_GELU);
    if (e->row) sum += e->row[(e->of_all ? 0 : r / image * n) + j];
    sum = act(sum, e->act);
    return e->residual ? sum + e->residual[(int64_t)r * n + j] : sum;
}

static double dot(const double *a, const double *b, int k)
{
    double s = 0;
    for (int i = 0; i < k; i++) s += a[i] * b[i];
    return s;
}

void ref_gemm(double *y, const double *x, const double *w, int m, int n, int k, int image, int step,
              const ref_epilogue *e)
{
    for (int r = 0; r < m; r += step)
        for (int j = 0; j < n; j++) {
            const double *row = x + (int64_t)r * k;
            double gate = e->geglu ? dot(row, w + (int64_t)(n + j) * k, k) : 0;
            y[(int64_t)r * n + j] = finish(dot(row, w + (int64_t)j * k, k), gate, r, j, n, image, e);
        }
}

void ref_conv3x3(double *y, const double *x, const double *wt, int images, int h, int w, int c, int uh, int uw, int oh,
                 int ow, int stride, int pad, int n, int step, const ref_epilogue *e)
{
    for (int r = 0; r < images * oh * ow; r += step)
        for (int j = 0; j < n; j++) {
            int i = r / (oh * ow), oy = r / ow % oh, ox = r % ow;
            double s = 0;
            for (int t = 0; t < 9; t++) {
                int iy = oy * stride + t / 3 - pad, ix = ox * stride + t % 3 - pad;
                if (iy < 0 || iy >= uh || ix < 0 || ix >= uw) continue;
                const double *from = x + (((int64_t)i * h + (int64_t)iy * h / uh) * w + (int64_t)ix * w / uw) * c;
                for (int k = 0; k < c; k++) s += from[k] * wt[((int64_t)j * c + k) * 9 + t];
            }
            y[(int64_t)r * n + j] = finish(s, 0, r, j, n, oh * ow, e);
        }
}
