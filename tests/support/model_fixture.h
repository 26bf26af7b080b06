/* SPDX-License-Identifier: MIT */
/* Copies of the golden model tiny-a for tests that change them, and what they assert of model_open. For cmocka
 * programs. */
#ifndef SDCL_TESTS_MODEL_FIXTURE_H
#define SDCL_TESTS_MODEL_FIXTURE_H

#include "base/error.h"
#include "io/model.h"
#include "scratch.h"
#include "st_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/tiny-a"
#define CHECKPOINT "tests/golden/tiny-a.safetensors"
#define TEXT_FILE "text_encoder/model.safetensors"
#define UNET_FILE "unet/diffusion_pytorch_model.safetensors"
#define VAE_FILE "vae/diffusion_pytorch_model.safetensors"

/* A scratch folder with a copy of GOLDEN in folder; single is free for a file. */
typedef struct fixture {
    scratch tmp;
    char folder[300], single[300];
} fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* The path of a file of the folder; valid until the second next call. */
const char *in(const fixture *f, const char *name);

model *opened(const char *path, const char *config);
void assert_opens(const char *path, const char *config);
/* Refused as a model, with every one of the words (separated by '|') in the message. */
void assert_refused(const char *path, const char *config, const char *words);

#endif
