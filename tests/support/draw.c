/* SPDX-License-Identifier: MIT */
#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assert_done_(int status, const char *call, const char *file, int line)
{
    if (!status) return;
    print_error("%s: status %d: %s (%s)\n", call, status, sdcl_last_error(), sdcl_last_hint());
    _fail(file, line);
}

void assert_refused_(int status, int expected, const char *text, const char *call, const char *file, int line)
{
    const char *message = sdcl_last_error(), *hint = sdcl_last_hint();
    if (status == expected && (strstr(message, text) || strstr(hint, text))) return;
    print_error("%s: expected status %d and \"%s\", got %d: %s (%s)\n", call, expected, text, status,
                status ? message : "no error", status ? hint : "");
    _fail(file, line);
}

static int keep(void *user, const sdcl_image *image)
{
    drawing *d = user;
    assert_int_equal(image->index, d->count);
    d->each = (size_t)image->width * (size_t)image->height * 3;
    d->rgb = realloc(d->rgb, d->each * (size_t)(d->count + 1));
    assert_non_null(d->rgb);
    memcpy(d->rgb + d->each * (size_t)d->count++, image->rgb, d->each);
    snprintf(d->sampler, sizeof d->sampler, "%s", image->sampler);
    snprintf(d->schedule, sizeof d->schedule, "%s", image->schedule);
    snprintf(d->precision, sizeof d->precision, "%s", image->precision);
    d->steps = image->steps;
    d->peak_device_bytes = image->peak_device_bytes;
    return 0;
}

void draw(sdcl *s, const sdcl_job *j, drawing *d)
{
    *d = (drawing){0};
    assert_done(sdcl_generate(s, j, keep, d));
    assert_int_equal(d->count, j->count);
}

void drawing_free(drawing *d)
{
    free(d->rgb);
    *d = (drawing){0};
}

void assert_same_picture(const drawing *a, int i, const drawing *b, int k)
{
    assert_in_range(i, 0, a->count - 1);
    assert_in_range(k, 0, b->count - 1);
    assert_int_equal(a->each, b->each);
    assert_memory_equal(a->rgb + (size_t)i * a->each, b->rgb + (size_t)k * b->each, a->each);
}

sdcl *session_of(const char *model, const char *model_config, const char *const *set)
{
    sdcl_params p;
    sdcl *s = NULL;
    sdcl_params_init(&p);
    p.model = model;
    p.model_config = model_config;
    p.precision = "f32";
    p.set = set;
    while (set && set[p.set_count]) p.set_count++;
    assert_done(sdcl_open(&s, &p));
    return s;
}

sdcl_job small_job(const uint64_t *seeds, int count)
{
    sdcl_job j;
    sdcl_job_init(&j);
    j.prompt = "a lighthouse at night";
    j.negative = "fog";
    j.width = j.height = 64;
    j.steps = 3;
    j.sampler = "euler_a";
    j.seeds = seeds;
    j.count = count;
    return j;
}
