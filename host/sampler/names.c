/* SPDX-License-Identifier: MIT */
/* Schedules by name, and AUTOMATIC1111's spelling of samplers with a schedule. */
#include "sampler/sampler.h"

#include <string.h>
#include <strings.h>

/* A1111's words for the same or the nearest list of sigmas; its parser reads them back from a picture's text. */
static const struct {
    const char *name, *a1111;
} schedules[] = {{"default", "Automatic"},
                 {"karras", "Karras"},
                 {"trailing", "SGM Uniform"},
                 {"leading", "DDIM"},
                 {"linspace", "Uniform"}};

enum { SCHEDULE_COUNT = sizeof schedules / sizeof *schedules };

const char *schedule_name(int i) { return i >= 0 && i < SCHEDULE_COUNT ? schedules[i].name : NULL; }

const char *schedule_a1111(const char *schedule)
{
    for (int i = 0; i < SCHEDULE_COUNT; i++)
        if (!strcmp(schedules[i].name, schedule)) return schedules[i].a1111;
    return NULL;
}

/* The sampler whose name, in either spelling, is the first n bytes of text. */
static const char *match(const char *text, size_t n)
{
    const char *name;
    for (int i = 0; (name = sampler_name(i)); i++) {
        const char *a1111 = sampler_a1111(name);
        if (strlen(name) == n && !strncasecmp(text, name, n)) return name;
        if (strlen(a1111) == n && !strncasecmp(text, a1111, n)) return name;
    }
    return NULL;
}

const char *sampler_canonical(const char *any, const char **schedule)
{
    static const char suffix[] = " Karras"; /* the only schedule that A1111 ever had in sampler names of ours */
    size_t n = strlen(any), tail = sizeof suffix - 1;
    const char *name = match(any, n);
    if (name || n <= tail || strcasecmp(any + n - tail, suffix)) return name;
    name = match(any, n - tail);
    if (name) *schedule = "karras";
    return name;
}
