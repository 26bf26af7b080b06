/* SPDX-License-Identifier: MIT */
/* What the files of the config share. Nobody else includes it. */
#ifndef SDCL_OCL_CONFIG_INTERNAL_H
#define SDCL_OCL_CONFIG_INTERNAL_H

#include "ocl/config.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a value comes from. The strings are borrowed. */
typedef struct config_origin {
    const char *folder; /* "configs/" for files that are in the binary, else "" */
    const char *file;   /* or "--set"; NULL: nowhere, the slot is empty */
    int line;           /* 0: the origin has no lines */
    int layer;          /* counts up from the lowest */
} config_origin;

enum { PRECISION_ANY, PRECISION_F32, PRECISION_F16, PRECISION_BF16, PRECISION_COUNT };

typedef struct config_slot {
    int value;
    config_origin origin;
} config_slot;

typedef struct config_key {
    const ocl_tunable *tunable; /* borrowed */
    char *words;                /* owned: the choices, each with its terminator, and an empty one at the end */
    bool numbers;               /* every choice is a number, and the value is it; else the value is the word's index */
    config_slot slots[PRECISION_COUNT];
} config_key;

struct config {
    const ocl_section *const *sections; /* borrowed */
    int count;
    config_key **keys; /* [section][tunable], owned */
    char *file;        /* owned: the user's, as origins name it */
    int layer;         /* applied last */
};

/* SDCL_EUSAGE with "file:line: " before the message. */
int config_fail(const config_origin *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "gemm_cpu" or "gemm_cpu.f16" -> index of the section, and the precision. */
int config_find_section(const config *c, const config_origin *o, const char *name, int *section, int *precision);
/* Sets a key to one of its choices, spelled as there. */
int config_assign(config *c, const config_origin *o, int section, int precision, const char *key, const char *value);

/* Applies an INI file. device_file: [device] match is allowed, and has been looked at before. */
int config_apply_text(config *c, const char *folder, const char *file, const char *text, size_t size, bool device_file);
/* The same from disk; path must outlive the config. */
int config_apply_file(config *c, const char *path);
/* Applies those of the embedded files that are for the device, general ones first. */
int config_apply_shipped(config *c, const sdcl_device *device);

/* The candidate that a mistyped word was most likely meant to be. */
typedef struct config_nearest {
    const char *word;
    char best[64]; /* "": nothing is near enough */
    size_t edits;
} config_nearest;

void config_nearest_try(config_nearest *n, const char *candidate);

#endif
