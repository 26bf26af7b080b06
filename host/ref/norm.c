/* SPDX-License-Identifier: MIT */
#include "ref/ref.h"

#include <math.h>

/* Mean and 1 / deviation of `width` neighbouring channels of an image (hw, c). */
static void moments(const double *x, int hw, int c, int width, double eps, double *mean, double *rstd)
{
    double sum = 0, squares = 0, count = (double)hw * width;
    for (int p = 0; p < hw; p++)
        for (int k = 0; k < width; k++) sum += x[(int64_t)p * c + k];
    *mean = sum / count;
    for (int p = 0; p < hw; p++)
        for (int k = 0; k < width; k++) squares += pow(x[(int64_t)p * c + k] - *mean, 2);
    *rstd = 1 / sqrt(squares / count + eps);
}

void ref_groupnorm(double *y, const double *x, const double *gamma, const double *beta, int images, int hw, int c,
                   int groups, double eps, int silu)
{
    int width = c / groups;
    for (int i = 0; i < images; i++)
        for (int g = 0; g < groups; g++) {
            double mean, rstd;
            int64_t base = (int64_t)i * hw * c + g * width;
            moments(x + base, hw, c, width, eps, &mean, &rstd);
            for (int p = 0; p < hw; p++)
                for (int k = 0; k < width; k++) {
                    int64_t at = base + (int64_t)p * c + k;
                    double v = (x[at] - mean) * rstd * gamma[g * width + k] + beta[g * width + k];
                    y[at] = silu ? v / (1 + exp(-v)) : v;
                }
        }
}

void ref_groupnorm_stats(double *norm, const double *x, const double *gamma, const double *beta, int images, int hw,
                         int c, int groups, double eps)
{
    int width = c / groups;
    for (int i = 0; i < images; i++, norm += 2 * c)
        for (int first = 0; first < c; first += width) {
            double mean, rstd;
            moments(x + (int64_t)i * hw * c + first, hw, c, width, eps, &mean, &rstd);
            for (int k = first; k < first + width; k++) {
                norm[k] = rstd * gamma[k];
                norm[c + k] = beta[k] - mean * norm[k];
            }
        }
}

void ref_norm_apply(double *y, const double *x, const double *norm, int images, int hw, int c, int silu)
{
    for (int r = 0; r < images * hw; r++) {
        const double *scale = norm + (int64_t)(r / hw) * 2 * c, *shift = scale + c;
        for (int k = 0; k < c; k++) {
            double v = x[(int64_t)r * c + k] * scale[k] + shift[k];
            y[(int64_t)r * c + k] = silu ? v / (1 + exp(-v)) : v;
        }
    }
}

void ref_layernorm(double *y, const double *x, const double *gamma, const double *beta, int rows, int c, double eps)
{
    for (int r = 0; r < rows; r++, x += c, y += c) {
        double sum = 0, squares = 0;
        for (int k = 0; k < c; k++) sum += x[k];
        double mean = sum / c;
        for (int k = 0; k < c; k++) squares += pow(x[k] - mean, 2);
        for (int k = 0; k < c; k++) y[k] = (x[k] - mean) / sqrt(squares / c + eps) * gamma[k] + beta[k];
    }
}
