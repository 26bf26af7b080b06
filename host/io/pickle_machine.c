/* SPDX-License-Identifier: MIT */
#include "io/pickle_machine.h"

#include "base/error.h"
#include "io/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 256 };

/* --- values and the stack ----------------------------------------------------------------------------------------- */

int array_reserve(void *pointer, uint32_t *capacity, uint32_t count, size_t size)
{
    void *array;
    if (count < *capacity) return 0;
    if (count == PICKLE_VALUES_MAX)
        return FAIL(SDCL_EMODEL, "more than %d values, expected a table of weights", PICKLE_VALUES_MAX);
    uint32_t wanted = *capacity ? 2 * *capacity : 1024;
    memcpy(&array, pointer, sizeof array);
    array = realloc(array, wanted * size);
    if (!array) return FAIL(SDCL_ENOMEM, "out of memory");
    memcpy(pointer, &array, sizeof array);
    *capacity = wanted;
    return 0;
}

int stack_push(pickle_machine *m, uint32_t ref)
{
    if (m->depth == PICKLE_STACK_MAX) return FAIL(SDCL_EMODEL, "more than %d values on the stack", PICKLE_STACK_MAX);
    m->stack[m->depth++] = ref;
    return 0;
}

int stack_push_value(pickle_machine *m, pickle_value v)
{
    int err = array_reserve(&m->p->value, &m->p->value_capacity, m->p->value_count, sizeof v);
    if (err) return err;
    m->p->value[m->p->value_count] = v;
    return stack_push(m, m->p->value_count++);
}

int stack_push_empty(pickle_machine *m, pickle_kind kind)
{
    return stack_push_value(m, (pickle_value){.kind = kind, .first = PICKLE_END, .last = PICKLE_END});
}

int stack_pop(pickle_machine *m, uint32_t *ref)
{
    if (m->depth == stack_floor(m)) return FAIL(SDCL_EMODEL, "nothing is on the stack");
    *ref = m->stack[--m->depth];
    return 0;
}

int stack_top(pickle_machine *m, uint32_t *ref)
{
    int err = stack_pop(m, ref);
    if (!err) m->depth++;
    return err;
}

int stack_pop_mark(pickle_machine *m, uint32_t *base)
{
    if (!m->marks) return FAIL(SDCL_EMODEL, "there is no mark on the stack");
    *base = m->mark[--m->marks];
    return 0;
}

int container_append(pickle_machine *m, uint32_t container, uint32_t item)
{
    pickle *p = m->p;
    if (item == container) return FAIL(SDCL_EMODEL, "a container within itself");
    int err = array_reserve(&p->cell, &p->cell_capacity, p->cell_count, sizeof *p->cell);
    if (err) return err;
    pickle_value *v = &p->value[container];
    p->cell[p->cell_count] = (pickle_cell){item, PICKLE_END};
    if (v->first == PICKLE_END) v->first = p->cell_count;
    else p->cell[v->last].next = p->cell_count;
    v->last = p->cell_count++;
    v->n++;
    return 0;
}

int stack_collect(pickle_machine *m, pickle_kind kind, uint32_t base)
{
    const uint32_t n = m->depth - base;
    int err = 0;
    pickle_value v = {.kind = kind, .first = PICKLE_END, .last = PICKLE_END};
    const uint32_t container = m->p->value_count;
    TRY(array_reserve(&m->p->value, &m->p->value_capacity, container, sizeof v));
    m->p->value[m->p->value_count++] = v;
    for (uint32_t i = 0; i < n && kind != PICKLE_INERT; i++) TRY(container_append(m, container, m->stack[base + i]));
    m->depth = base;
    TRY(stack_push(m, container));
out:
    return err;
}

/* --- bytes of the pickle ------------------------------------------------------------------------------------------ */

int take_bytes(pickle_machine *m, uint64_t n, const unsigned char **bytes)
{
    m->cut = n > (uint64_t)(m->end - m->at);
    if (m->cut)
        return FAIL(SDCL_EMODEL, "%" PRIu64 " bytes are needed, the pickle has %zu more", n, (size_t)(m->end - m->at));
    *bytes = m->at;
    m->at += n;
    return 0;
}

int take_number(pickle_machine *m, int n, uint64_t *v)
{
    const unsigned char *b;
    int err = take_bytes(m, (uint64_t)n, &b);
    if (err) return err;
    *v = n == 1 ? *b : n == 2 ? read_u16(b) : n == 4 ? read_u32(b) : read_u64(b);
    return 0;
}

int take_line(pickle_machine *m, const char **line, size_t *n)
{
    const unsigned char *newline = memchr(m->at, '\n', (size_t)(m->end - m->at));
    m->cut = !newline;
    if (!newline || newline - m->at > LINE_MAX_BYTES) return FAIL(SDCL_EMODEL, "a name without an end");
    *line = (const char *)m->at;
    *n = (size_t)(newline - m->at);
    m->at = newline + 1;
    return 0;
}
