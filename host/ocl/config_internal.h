/* SPDX-License-Identifier: MIT */
/* What the files of the config share. Nobody else includes it. */
#ifndef SDCL_OCL_CONFIG_INTERNAL_H
#define SDCL_OCL_CONFIG_INTERNAL_H

#include "base/strbuf.h"
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
extern const char *const config_precisions[PRECISION_COUNT]; /* as in a section's name; "" */

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

/* Values of one layer for one shape: [gemm_cpu.f32 M=64 N=320 K=320]. */
typedef struct config_class {
    int section, precision, layer;
    int size[3];        /* M, N, K; 0: any */
    config_slot *slots; /* owned, one a tunable */
    bool used;          /* a key is set: an empty or stale section serves no step */
} config_class;

/* Which values a line of a file sets. */
typedef struct config_place {
    int section, precision;
    int shape; /* a class, or -1: all shapes */
} config_place;

struct config {
    const ocl_section *const *sections; /* borrowed */
    int count;
    config_key **keys;     /* [section][tunable], owned */
    config_class *classes; /* owned */
    int class_count, class_capacity;
    char *file, *tuned; /* owned: the user's and the tuned one, as origins name them */
    int layer;          /* applied last */
    bool has_device_file, is_tuned;
    strbuf warnings; /* each with its terminator */
};

/* SDCL_EUSAGE with "file:line: " before the message. */
int config_fail(const config_origin *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "gemm_cpu", "gemm_cpu.f16" or "gemm_cpu.f16 M=64 N=320 K=320". */
int config_find_place(config *c, const config_origin *o, const char *name, config_place *place);
/* The same back. */
void config_place_name(char *out, size_t size, const config *c, config_place place);
/* Sets a key to one of its choices, spelled as there. */
int config_assign(config *c, const config_origin *o, config_place place, const char *key, const char *value);

/* Reads " M=64 N=320 K=320" (name: the whole, for messages) into the class of place's section, precision and o's layer, which is made where there is none. */
int config_find_class(config *c, const config_origin *o, const char *name, const char *sizes, config_place *place);
void config_classes_free(config *c);
/* The slot in force for key k of a section: of a class (-1: none), unless a later layer sets the key for all shapes. */
const config_slot *config_slot_of(const config *c, int section, int precision, int shape, int k);
/* Of the origins of a place's values the one that comes last: the highest layer, and there the last line. */
config_origin config_last_origin(const config *c, config_place place);
/* Value of a slot; the key's default where it is empty. */
int config_slot_value(const config_key *k, const config_slot *slot);
/* The choice that a value is the index of; and how any value is spelled. */
const char *config_value_word(const config_key *k, int value);
/* The value of a choice; false: it is none. */
bool config_word_value(const config_key *k, const char *word, int *value);
void config_key_text(const config_key *k, int value, char *text, size_t size);
/* "my.ini:3", "built-in default". */
void config_origin_text(char *out, size_t size, const config_origin *o);
/* The values of a section at a precision, of a class (-1: none). */
void config_merge(const config *c, int section, int precision, int shape, int *values);
int config_section_index(const config *c, const ocl_section *section);
int config_precision_index(const char *name);

/* Applies an INI file. device_file: [device] match is allowed, and has been looked at before. */
int config_apply_text(config *c, const char *folder, const char *file, const char *text, size_t size, bool device_file);
/* The same from disk; path must outlive the config. */
int config_apply_file(config *c, const char *path);
/* Applies those of the embedded files that are for the device, general ones first. */
int config_apply_shipped(config *c, const sdcl_device *device);
/* Applies the file that `tune` wrote for the device, if there is one. */
int config_apply_tuned(config *c, const sdcl_device *device);
/* Are these two spellings the name of one device? Trademarks, letter case and vendor's prefix do not count. */
bool config_same_device(const char *a, const char *b);
void config_warn(config *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The candidate that a mistyped word was most likely meant to be. */
typedef struct config_nearest {
    const char *word;
    char best[64]; /* "": nothing is near enough */
    size_t edits;
} config_nearest;

void config_nearest_try(config_nearest *n, const char *candidate);

#endif
