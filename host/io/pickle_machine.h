/* SPDX-License-Identifier: MIT */
/* Inside of the pickle interpreter: a stack of values, marks in it, a memo, and the bytes that are left. */
#ifndef SDCL_IO_PICKLE_MACHINE_H
#define SDCL_IO_PICKLE_MACHINE_H

#include "io/pickle.h"

#include <stdbool.h>

typedef struct pickle_machine {
    pickle *p;
    const unsigned char *begin, *at, *end;
    uint32_t stack[PICKLE_STACK_MAX], depth;
    uint32_t mark[PICKLE_MARKS_MAX], marks; /* depth of the stack at each mark */
    uint32_t *memo;                         /* owned; PICKLE_END: not set */
    uint32_t memo_capacity, memo_count;
    bool stopped, cut; /* at STOP; where bytes are missing */
} pickle_machine;

/* Depth of the stack at the last mark: what is below is out of reach. */
static inline uint32_t stack_floor(const pickle_machine *m) { return m->marks ? m->mark[m->marks - 1] : 0; }

/* Room for one more in a growing array of count elements; pointer: the address of the pointer to it. */
int array_reserve(void *pointer, uint32_t *capacity, uint32_t count, size_t size);

int stack_push(pickle_machine *m, uint32_t ref);
int stack_push_value(pickle_machine *m, pickle_value v);
int stack_push_empty(pickle_machine *m, pickle_kind container);
/* A value above the last mark. */
int stack_pop(pickle_machine *m, uint32_t *ref);
int stack_top(pickle_machine *m, uint32_t *ref);
/* Takes the last mark; *base: what is above it begins there in the stack. */
int stack_pop_mark(pickle_machine *m, uint32_t *base);
/* The values from base on leave the stack and become the items of what is pushed; an inert object forgets them. */
int stack_collect(pickle_machine *m, pickle_kind kind, uint32_t base);
int container_append(pickle_machine *m, uint32_t container, uint32_t item);

/* The next n bytes of the pickle. */
int take_bytes(pickle_machine *m, uint64_t n, const unsigned char **bytes);
/* A little-endian number of 1, 2, 4 or 8 bytes. */
int take_number(pickle_machine *m, int bytes, uint64_t *v);
/* Up to a newline, which is skipped. */
int take_line(pickle_machine *m, const char **line, size_t *n);

#endif
