/* SPDX-License-Identifier: MIT */
/* A Python pickle read as data. The interpreter is closed: it knows the opcodes that pickles of tensors consist of and the
 * names in pickle_globals.c, refuses everything else by name, and executes nothing. It never recurses, and memory and steps
 * are bounded by the pickle's length and by the limits below. */
#ifndef SDCL_IO_PICKLE_H
#define SDCL_IO_PICKLE_H

#include "io/pickle_globals.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PICKLE_BYTES_MAX = 8 << 20,  /* a full checkpoint has 1 MB */
    PICKLE_VALUES_MAX = 1 << 20, /* also items of containers, and memo entries */
    PICKLE_STACK_MAX = 1 << 16,  /* Python writes containers in portions of 1000 items */
    PICKLE_MARKS_MAX = 1 << 10   /* nesting; Python's own recursion limit is 1000 */
};

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,    /* integer */
    PICKLE_INT,     /* integer */
    PICKLE_LONG,    /* bytes: of an integer too large for 64 bits, little-endian */
    PICKLE_FLOAT,   /* without its value */
    PICKLE_TEXT,    /* bytes: UTF-8 as it is in the pickle, unchecked and not terminated */
    PICKLE_BYTES,   /* bytes */
    PICKLE_TUPLE,   /* items */
    PICKLE_LIST,    /* items */
    PICKLE_DICT,    /* items: key, value, key, value ... */
    PICKLE_GLOBAL,  /* global */
    PICKLE_STORAGE, /* items: of its persistent id */
    PICKLE_TENSOR,  /* items: arguments of the function that makes it */
    PICKLE_INERT
} pickle_kind;

typedef struct pickle_value {
    pickle_kind kind;
    uint32_t n; /* bytes of a text, items of a container */
    union {
        int64_t integer;
        const unsigned char *bytes; /* within the pickle */
        const pickle_global *global;
        struct {
            uint32_t first, last; /* cells */
        };
    };
} pickle_value;

typedef struct pickle_cell {
    uint32_t value, next;
} pickle_cell;

typedef struct pickle {
    pickle_value *value; /* owned; a storage is one value however often it is used */
    pickle_cell *cell;   /* owned */
    uint32_t value_count, value_capacity, cell_count, cell_capacity;
    uint32_t root;
} pickle;

/* Reads the pickle that begins at text and ends within n bytes, up to its STOP; *used: its length. The text must outlive
 * *p, which is freed by the caller either way. SDCL_EMODEL, where *used is n if more bytes were needed than there are, else
 * less; messages say byte and opcode. */
int pickle_read(pickle *p, const unsigned char *text, size_t n, size_t *used);
void pickle_free(pickle *p);

const pickle_value *pickle_root(const pickle *p);
/* Walks a container of a pickle: *cell is its first at the start. NULL past the end. */
const pickle_value *pickle_next(const pickle *p, uint32_t *cell);
enum { PICKLE_END = UINT32_MAX >> 1 }; /* no cell */
/* Item i of a container; NULL: it has fewer. */
const pickle_value *pickle_item(const pickle *p, const pickle_value *v, uint32_t i);
/* The value of a text key of a dict, the last one where there are several; NULL: not there. */
const pickle_value *pickle_get(const pickle *p, const pickle_value *dict, const char *key);
int pickle_text_is(const pickle_value *v, const char *text);

#endif
