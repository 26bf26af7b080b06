/* SPDX-License-Identifier: MIT */
#include "ref/ref.h"

#include <math.h>

/* One query: weights by exp(score - largest score), summed twice rather than stored. */
static void query(double *y, const double *q, const double *k, const double *v, int keys, int stride, int d,
                  double scale)
{
    double top = -INFINITY, total = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < keys; j++) {
            double s = 0;
            for (int c = 0; c < d; c++) s += q[c] * k[(int64_t)j * stride + c];
            s *= scale;
            if (!pass) {
                top = fmax(top, s);
                continue;
            }
            double w = exp(s - top);
            total += w;
            for (int c = 0; c < d; c++) y[c] += w * v[(int64_t)j * stride + c];
        }
    for (int c = 0; c < d; c++) y[c] /= total;
}

void ref_attention(double *y, const double *q, const double *k, const double *v, int images, int tq, int tk, int heads,
                   int d, double scale, int causal, int step)
{
    int stride = heads * d;
    for (int i = 0; i < images; i++)
        for (int h = 0; h < heads; h++)
            for (int t = 0; t < tq; t += step) {
                int64_t at = ((int64_t)i * tq + t) * stride + h * d, keys = (int64_t)i * tk * stride + h * d;
                for (int c = 0; c < d; c++) y[at + c] = 0;
                query(y + at, q + at, k + keys, v + keys, causal ? t + 1 : tk, stride, d, scale);
            }
}
