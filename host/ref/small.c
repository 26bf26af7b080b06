/* SPDX-License-Identifier: MIT */
#include "ref/ref.h"

#include <math.h>

void ref_timestep(double *y, const double *t, int images, int c, int cos_first, double shift)
{
    for (int i = 0; i < images; i++)
        for (int k = 0; k < c / 2; k++) {
            double x = t[i] * exp(-log(10000) * k / (c / 2 - shift));
            y[i * c + k] = cos_first ? cos(x) : sin(x);
            y[i * c + c / 2 + k] = cos_first ? sin(x) : cos(x);
        }
}

void ref_scheduler(double *slots, const double *pred, const double *program, int len, int guided)
{
    if (program[2] != 0)
        for (int i = 0; i < len; i++)
            slots[len + i] = guided ? pred[i] + program[0] * (pred[len + i] - pred[i]) : pred[i];
    for (int r = 0; r < (int)program[1]; r++) {
        const double *row = program + 3 + 18 * r;
        for (int i = 0; i < len; i++) {
            double sum = 0;
            for (int s = 0; s < 16; s++)
                if (row[2 + s] != 0) sum += row[2 + s] * slots[s * len + i];
            slots[(int)row[0] * len + i] = row[1] > 0 ? fmin(fmax(sum, -row[1]), row[1]) : sum;
        }
    }
}

void ref_image(double *rgb, double *unit, const double *x, int count)
{
    for (int i = 0; i < count; i++) {
        unit[i] = fmin(fmax(x[i] / 2 + 0.5, 0), 1);
        rgb[i] = nearbyint(255 * unit[i]);
    }
}
