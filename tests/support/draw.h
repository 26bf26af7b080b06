/* SPDX-License-Identifier: MIT */
/* Pictures through the public interface, kept in memory. Failures end the test with the library's message. */
#ifndef SDCL_TESTS_DRAW_H
#define SDCL_TESTS_DRAW_H

#include "sdcl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct drawing {
    unsigned char *rgb; /* owned; count pictures of each bytes, one after the other */
    size_t each;
    int count;
    char sampler[32], schedule[32], precision[8];
    int steps;
    uint64_t peak_device_bytes;
} drawing;

void draw(sdcl *s, const sdcl_job *j, drawing *d);
void drawing_free(drawing *d);
/* Picture i of a equals picture k of b byte for byte. */
void assert_same_picture(const drawing *a, int i, const drawing *b, int k);

/* A session in f32 on the default device; model_config may be NULL; set: NULL, or "section.key=value" strings and a NULL. */
sdcl *session_of(const char *model, const char *model_config, const char *const *set);

/* A job of seeds, 64x64, with as few steps as show a difference. */
sdcl_job small_job(const uint64_t *seeds, int count);

void assert_done_(int status, const char *call, const char *file, int line);
void assert_refused_(int status, int expected, const char *text, const char *call, const char *file, int line);
#define assert_done(call) assert_done_((call), #call, __FILE__, __LINE__)
/* The call fails with this status, and message or hint contain the text. */
#define assert_refused(call, expected, text) assert_refused_((call), (expected), (text), #call, __FILE__, __LINE__)

#endif
