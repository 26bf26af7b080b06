/* SPDX-License-Identifier: MIT */
/* Where a run stops on the way down: spacings of timesteps and of sigmas, as diffusers has them. */
#ifndef SDCL_SAMPLER_TIMESTEPS_H
#define SDCL_SAMPLER_TIMESTEPS_H

#include "sampler/noise_schedule.h"

typedef enum spacing { SPACING_LEADING, SPACING_TRAILING, SPACING_LINSPACE } spacing;

/* Sigmas spread between a largest and a smallest one, instead of those of the spaced timesteps. */
typedef enum sigma_spread { SPREAD_NONE, SPREAD_KARRAS, SPREAD_EXPONENTIAL } sigma_spread;

/* steps timesteps of 0 .. train - 1, descending; train >= steps >= 1. offset is added under leading. drop grid points
 * at the low end are left out under leading and linspace (DPM-Solver drops one). Only linspace gives fractions. */
void timesteps_fill(double *t, int steps, spacing s, int train, int offset, int drop);

/* sigma at a timestep, fractional ones linear in the table; the ends hold outside. */
double sigma_at(const noise_schedule *ns, double t);
/* The fractional timestep of a sigma, linear in ln sigma; 0 .. n - 1. */
double sigma_to_timestep(const noise_schedule *ns, double sigma);
/* steps values from max down to min; one step: max alone. kind is not SPREAD_NONE. */
void sigmas_fill(double *sigma, int steps, sigma_spread kind, double max, double min);

#endif
