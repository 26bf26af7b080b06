/* SPDX-License-Identifier: MIT */
/* The device that the program would choose, with its configuration. */
#ifndef SDCL_TESTS_DEFAULT_DEVICE_H
#define SDCL_TESTS_DEFAULT_DEVICE_H

#include "ocl/config.h"
#include "ocl/ocl.h"

/* file: an INI file, or NULL. set: "section.key=value" strings and a NULL, or NULL. The caller closes o before values, also after a failure. */
int default_device_open(config **values, ocl **o, const char *file, const char *const *set);

/* Fixtures of a group of cmocka tests that share the device, in its own configuration; and what a test has in its state then. */
int default_device_setup(void **state);
int default_device_teardown(void **state);
ocl *default_device_of(void **state);

#endif
