/* SPDX-License-Identifier: MIT */
/* A config file in a scratch folder, written or changed by cmocka tests and read as one kind of config. */
#ifndef SDCL_TESTS_CONFIG_FIXTURE_H
#define SDCL_TESTS_CONFIG_FIXTURE_H

#include "base/error.h"
#include "io/config_json.h"
#include "st_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern char file[512]; /* the config's path, from config_setup on */

int config_setup(void **state);
int config_teardown(void **state);

enum kind { CLIP, UNET, VAE, SCHEDULER };

/* Reads file as one kind of config; what it says is not looked at. */
int read_as(enum kind kind);
/* The same after writing it. */
int read_text(enum kind kind, const char *text);
/* The golden config of tiny-a with one member set to a JSON literal, or removed (NULL): accepted; refused with a
 * message that names key. */
void assert_accepted(enum kind kind, const char *key, const char *literal);
void assert_refused_key(enum kind kind, const char *key, const char *literal);

#endif
