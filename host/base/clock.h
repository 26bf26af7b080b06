/* SPDX-License-Identifier: MIT */
#ifndef SDCL_BASE_CLOCK_H
#define SDCL_BASE_CLOCK_H

/* Seconds of a clock that only goes forward; only differences mean something. */
double seconds_now(void);

#endif
