/* SPDX-License-Identifier: MIT */
/* How far two arrays are apart. */
#ifndef SDCL_TESTS_COMPARE_H
#define SDCL_TESTS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

bool compare_finite(const float *a, size_t n);
/* sum (got - want)^2 / sum want^2; infinite where want is 0 and got is not, NaN where one of them is. */
double compare_nmse(const float *got, const float *want, size_t n);
/* Of values 0..1, in dB; infinite where they are equal. */
double compare_psnr(const float *got, const float *want, size_t n);
/* How many bytes differ, and by how much at most. */
size_t compare_bytes(const unsigned char *got, const unsigned char *want, size_t n, int *largest);

#endif
