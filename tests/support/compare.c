/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include <math.h>
#include <stdlib.h>

bool compare_finite(const float *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(a[i])) return false;
    return true;
}

static double squares_of_difference(const float *got, const float *want, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)got[i] - (double)want[i];
        sum += d * d;
    }
    return sum;
}

double compare_nmse(const float *got, const float *want, size_t n)
{
    double error = squares_of_difference(got, want, n), power = 0;
    for (size_t i = 0; i < n; i++) power += (double)want[i] * (double)want[i];
    return error == 0 ? 0 : error / power;
}

double compare_psnr(const float *got, const float *want, size_t n)
{
    return -10 * log10(squares_of_difference(got, want, n) / (double)n);
}

size_t compare_bytes(const unsigned char *got, const unsigned char *want, size_t n, int *largest)
{
    size_t differ = 0;
    *largest = 0;
    for (size_t i = 0; i < n; i++) {
        int d = abs((int)got[i] - (int)want[i]);
        differ += d != 0;
        if (d > *largest) *largest = d;
    }
    return differ;
}
