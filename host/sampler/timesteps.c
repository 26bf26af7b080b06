/* SPDX-License-Identifier: MIT */
#include "sampler/timesteps.h"

#include <math.h>

/* numpy.linspace(from, to, n)[i] */
static double linspace(double from, double to, int n, int i)
{
    if (n == 1) return from;
    if (i == n - 1) return to;
    double offset = i * ((to - from) / (n - 1));
    return offset + from;
}

/* numpy.arange(train, 0, -train / steps)[i], which counts by the rounded difference of its first two values. */
static double arange_down(int train, int steps, int i)
{
    double step = (double)train / steps, second = train - step, offset = i * (second - train);
    return train + offset;
}

void timesteps_fill(double *t, int steps, spacing s, int train, int offset, int drop)
{
    int grid = steps + drop;
    for (int i = 0; i < steps; i++) {
        int from_below = grid - 1 - i;
        switch (s) {
        case SPACING_LEADING: t[i] = from_below * (train / grid) + offset; break;
        case SPACING_TRAILING: t[i] = rint(arange_down(train, steps, i)) - 1; break;
        case SPACING_LINSPACE: t[i] = linspace(0, train - 1, grid, from_below); break;
        }
    }
}

double sigma_at(const noise_schedule *ns, double t)
{
    if (t <= 0) return (double)ns->sigmas[0];
    if (t >= ns->n - 1) return (double)ns->sigmas[ns->n - 1];
    int low = (int)t;
    double a = (double)ns->sigmas[low], b = (double)ns->sigmas[low + 1], rise = (b - a) * (t - low);
    return rise + a;
}

/* The reference keeps its table of logarithms in float32, which decides if t falls on the last entry or just below. */
static double log_sigma(const noise_schedule *ns, int i) { return (double)(float)log((double)ns->sigmas[i]); }

double sigma_to_timestep(const noise_schedule *ns, double sigma)
{
    double wanted = log(fmax(sigma, 1e-10));
    int low = 0, high = ns->n - 1; /* low ends as the last entry <= wanted, at most n - 2 */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (log_sigma(ns, middle) <= wanted) low = middle;
        else high = middle;
    }
    double a = log_sigma(ns, low), b = log_sigma(ns, high);
    double w = fmin(fmax((a - wanted) / (a - b), 0), 1);
    return low + w * (high - low);
}

/* Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, equation 5 with rho 7. */
void sigmas_fill(double *sigma, int steps, sigma_spread kind, double max, double min)
{
    const double rho = 7;
    for (int i = 0; i < steps; i++) {
        double ramp = linspace(0, 1, steps, i);
        if (kind == SPREAD_KARRAS) {
            double a = pow(max, 1 / rho), b = pow(min, 1 / rho);
            sigma[i] = pow(a + ramp * (b - a), rho);
        } else {
            sigma[i] = exp(linspace(log(max), log(min), steps, i));
        }
    }
}
