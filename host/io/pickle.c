/* SPDX-License-Identifier: MIT */
/* Opcodes: Python's pickletools, protocols 2 to 5. */
#include "io/pickle_machine.h"

#include "base/error.h"
#include "base/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTEGER_BYTES_MAX = 16 };

static int op_proto(pickle_machine *m, int op)
{
    (void)op;
    uint64_t version;
    int err = take_number(m, 1, &version);
    if (err) return err;
    if (m->at != m->begin + 2) return FAIL(SDCL_EMODEL, "not at the start");
    if (version < 2 || version > 5) return FAIL(SDCL_EMODEL, "protocol %d, expected 2 to 5", (int)version);
    return 0;
}

static int op_frame(pickle_machine *m, int op)
{
    (void)op;
    uint64_t n;
    int err = take_number(m, 8, &n);
    m->cut |= !err && n > (uint64_t)(m->end - m->at);
    if (!err && m->cut)
        err = FAIL(SDCL_EMODEL, "a frame of %" PRIu64 " bytes, the pickle has %zu more", n, (size_t)(m->end - m->at));
    return err;
}

static int op_stop(pickle_machine *m, int op)
{
    (void)op;
    int err = stack_pop(m, &m->p->root);
    if (!err && (m->depth || m->marks)) err = FAIL(SDCL_EMODEL, "values are left on the stack");
    m->stopped = true;
    return err;
}

static int op_constant(pickle_machine *m, int op)
{
    pickle_value v = {.kind = PICKLE_NONE};
    if (op != 'N') v = (pickle_value){.kind = PICKLE_BOOL, .integer = op == 0x88};
    return stack_push_value(m, v);
}

static int op_integer(pickle_machine *m, int op)
{
    uint64_t n;
    int err = take_number(m, op == 'J' ? 4 : op == 'M' ? 2 : 1, &n);
    if (err) return err;
    return stack_push_value(
        m, (pickle_value){.kind = PICKLE_INT, .integer = op == 'J' ? (int32_t)(uint32_t)n : (int64_t)n});
}

/* LONG1: two's complement of any length. */
static int op_long(pickle_machine *m, int op)
{
    (void)op;
    uint64_t n, bits = 0;
    const unsigned char *b;
    int err = 0;
    TRY(take_number(m, 1, &n));
    TRY(take_bytes(m, n, &b));
    if (n > INTEGER_BYTES_MAX)
        return FAIL(SDCL_EMODEL, "an integer of %d bytes, expected at most %d", (int)n, INTEGER_BYTES_MAX);
    if (n > 8) return stack_push_value(m, (pickle_value){.kind = PICKLE_LONG, .n = (uint32_t)n, .bytes = b});
    for (int i = 0; i < 8; i++) {
        const unsigned byte = (uint64_t)i < n ? b[i] : n && b[n - 1] & 0x80 ? 0xff : 0;
        bits |= (uint64_t)byte << 8 * i;
    }
    return stack_push_value(m, (pickle_value){.kind = PICKLE_INT, .integer = (int64_t)bits});
out:
    return err;
}

static int op_float(pickle_machine *m, int op)
{
    (void)op;
    const unsigned char *b;
    int err = take_bytes(m, 8, &b);
    return err ? err : stack_push_value(m, (pickle_value){.kind = PICKLE_FLOAT});
}

static int op_text(pickle_machine *m, int op)
{
    const bool is_short = op == 0x8c || op == 'C' || op == 'U', is_bytes = op == 'C' || op == 'B' || op == 0x96;
    const unsigned char *b;
    uint64_t n;
    int err = 0;
    TRY(take_number(m, is_short ? 1 : op == 0x8d || op == 0x96 ? 8 : 4, &n));
    TRY(take_bytes(m, n, &b));
    TRY(stack_push_value(m,
                         (pickle_value){.kind = is_bytes ? PICKLE_BYTES : PICKLE_TEXT, .n = (uint32_t)n, .bytes = b}));
out:
    return err;
}

static int op_empty(pickle_machine *m, int op)
{
    return stack_push_empty(m, op == '}'   ? PICKLE_DICT
                               : op == ']' ? PICKLE_LIST
                               : op == ')' ? PICKLE_TUPLE
                                           : PICKLE_INERT);
}

static int op_mark(pickle_machine *m, int op)
{
    (void)op;
    if (m->marks == PICKLE_MARKS_MAX) return FAIL(SDCL_EMODEL, "nested more than %d deep", PICKLE_MARKS_MAX);
    m->mark[m->marks++] = m->depth;
    return 0;
}

static int op_collect(pickle_machine *m, int op)
{
    uint32_t base;
    int err = 0;
    if (op >= 0x85 && op <= 0x87) { /* TUPLE1, TUPLE2, TUPLE3 */
        const uint32_t n = (uint32_t)op - 0x84, floor = stack_floor(m);
        if (m->depth - floor < n) return FAIL(SDCL_EMODEL, "fewer than %d values are on the stack", (int)n);
        return stack_collect(m, PICKLE_TUPLE, m->depth - n);
    }
    TRY(stack_pop_mark(m, &base));
    if (op == 'd' && (m->depth - base) % 2) return FAIL(SDCL_EMODEL, "a key without a value");
    TRY(stack_collect(m,
                      op == 't'   ? PICKLE_TUPLE
                      : op == 'l' ? PICKLE_LIST
                      : op == 'd' ? PICKLE_DICT
                                  : PICKLE_INERT,
                      base));
out:
    return err;
}

/* Items from base on go into the container below them. */
static int fill(pickle_machine *m, int op, uint32_t base)
{
    const uint32_t floor = stack_floor(m), n = m->depth - base;
    const bool pairs = op == 's' || op == 'u', list = op == 'a' || op == 'e';
    int err = 0;
    if (base == floor) return FAIL(SDCL_EMODEL, "there is no container below the items");
    const uint32_t container = m->stack[base - 1];
    const pickle_kind kind = m->p->value[container].kind;
    if (pairs && n % 2) return FAIL(SDCL_EMODEL, "a key without a value");
    if (kind != PICKLE_INERT) {
        if (kind != (pairs ? PICKLE_DICT : PICKLE_LIST) || !(pairs || list))
            return FAIL(SDCL_EMODEL, "items for something that does not take them");
        for (uint32_t i = 0; i < n; i++) TRY(container_append(m, container, m->stack[base + i]));
    }
    m->depth = base;
out:
    return err;
}

static int op_fill_one(pickle_machine *m, int op)
{
    const uint32_t floor = stack_floor(m), n = op == 's' ? 2 : 1;
    if (m->depth - floor <= n) return FAIL(SDCL_EMODEL, "fewer than %d values are on the stack", (int)n + 1);
    return fill(m, op, m->depth - n);
}

static int op_fill_marked(pickle_machine *m, int op)
{
    uint32_t base;
    int err = stack_pop_mark(m, &base);
    return err ? err : fill(m, op, base);
}

static int op_pop(pickle_machine *m, int op)
{
    (void)op;
    uint32_t ignored;
    return stack_pop(m, &ignored);
}

static int op_dup(pickle_machine *m, int op)
{
    (void)op;
    uint32_t ref;
    int err = stack_top(m, &ref);
    return err ? err : stack_push(m, ref);
}

static int op_put(pickle_machine *m, int op)
{
    uint64_t i = m->memo_count;
    uint32_t ref;
    int err = 0;
    if (op != 0x94) TRY(take_number(m, op == 'q' ? 1 : 4, &i));
    TRY(stack_top(m, &ref));
    if (i >= PICKLE_VALUES_MAX) return FAIL(SDCL_EMODEL, "memo entry %" PRIu64 " of at most %d", i, PICKLE_VALUES_MAX);
    while (m->memo_capacity <= i) {
        uint32_t old = m->memo_capacity;
        TRY(array_reserve(&m->memo, &m->memo_capacity, old, sizeof *m->memo));
        for (; old < m->memo_capacity; old++) m->memo[old] = PICKLE_END;
    }
    m->memo_count += m->memo[i] == PICKLE_END;
    m->memo[i] = ref;
out:
    return err;
}

static int op_get(pickle_machine *m, int op)
{
    uint64_t i;
    int err = take_number(m, op == 'h' ? 1 : 4, &i);
    if (err) return err;
    if (i >= m->memo_capacity || m->memo[i] == PICKLE_END)
        return FAIL(SDCL_EMODEL, "memo entry %" PRIu64 " has not been set", i);
    return stack_push(m, m->memo[i]);
}

static int push_global(pickle_machine *m, const char *module, size_t module_bytes, const char *name, size_t name_bytes)
{
    const pickle_global *g = pickle_global_find(module, module_bytes, name, name_bytes);
    if (g) return stack_push_value(m, (pickle_value){.kind = PICKLE_GLOBAL, .global = g});
    char text[2 * PRINTABLE_MAX], shown[PRINTABLE_MAX];
    snprintf(text, sizeof text, "%.*s.%.*s", (int)(module_bytes < 100 ? module_bytes : 100), module,
             (int)(name_bytes < 100 ? name_bytes : 100), name);
    int err = FAIL(SDCL_EMODEL, "the file asks for \"%s\", which is not among the names that weights need",
                   printable(shown, text));
    error_hint("take the model as .safetensors; with a name that can run code, do not load this file anywhere");
    return err;
}

static int op_global(pickle_machine *m, int op)
{
    (void)op;
    const char *module, *name;
    size_t module_bytes, name_bytes;
    int err = 0;
    TRY(take_line(m, &module, &module_bytes));
    TRY(take_line(m, &name, &name_bytes));
    TRY(push_global(m, module, module_bytes, name, name_bytes));
out:
    return err;
}

static int op_stack_global(pickle_machine *m, int op)
{
    (void)op;
    uint32_t a, b;
    int err = 0;
    TRY(stack_pop(m, &b));
    TRY(stack_pop(m, &a));
    const pickle_value *module = &m->p->value[a], *name = &m->p->value[b];
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT) return FAIL(SDCL_EMODEL, "the name is not a text");
    TRY(push_global(m, (const char *)module->bytes, module->n, (const char *)name->bytes, name->n));
out:
    return err;
}

/* REDUCE and NEWOBJ: what a call of a name on the list stands for. */
static int op_call(pickle_machine *m, int op)
{
    uint32_t a, f;
    int err = 0;
    TRY(stack_pop(m, &a));
    TRY(stack_pop(m, &f));
    const pickle_value *args = &m->p->value[a], *callee = &m->p->value[f];
    if (args->kind != PICKLE_TUPLE) return FAIL(SDCL_EMODEL, "the arguments are not a tuple");
    if (callee->kind != PICKLE_GLOBAL) return FAIL(SDCL_EMODEL, "a call of something that is not a name");
    const pickle_global *g = callee->global;
    const bool object = op == 0x81;
    if (g->role == ROLE_INERT) return stack_push_empty(m, PICKLE_INERT);
    if (g->role == ROLE_DICT) {
        if (args->n && !strcmp(g->name, "OrderedDict"))
            return FAIL(SDCL_EMODEL, "an OrderedDict with %u arguments, expected none", args->n);
        return stack_push_empty(m, PICKLE_DICT);
    }
    if (g->role == ROLE_TENSOR && !object) {
        pickle_value v = *args;
        v.kind = PICKLE_TENSOR;
        return stack_push_value(m, v);
    }
    if (g->role == ROLE_PARAMETER && !object) {
        if (args->n && m->p->value[m->p->cell[args->first].value].kind == PICKLE_TENSOR)
            return stack_push(m, m->p->cell[args->first].value);
        return FAIL(SDCL_EMODEL, "a parameter without a tensor");
    }
    return FAIL(SDCL_EMODEL, "a call of %s.%s", g->module, g->name);
out:
    return err;
}

/* The state of an OrderedDict is an attribute of it, and no weight. */
static int op_build(pickle_machine *m, int op)
{
    (void)op;
    uint32_t state, object;
    int err = 0;
    TRY(stack_pop(m, &state));
    TRY(stack_top(m, &object));
    if (m->p->value[object].kind != PICKLE_DICT && m->p->value[object].kind != PICKLE_INERT)
        return FAIL(SDCL_EMODEL, "state for something that has none");
out:
    return err;
}

static int op_persistent(pickle_machine *m, int op)
{
    (void)op;
    uint32_t id;
    int err = stack_pop(m, &id);
    if (err) return err;
    pickle_value v = m->p->value[id];
    if (v.kind != PICKLE_TUPLE) return FAIL(SDCL_EMODEL, "a persistent id that is not a tuple");
    v.kind = PICKLE_STORAGE;
    return stack_push_value(m, v);
}

/* run NULL: refused, by name. */
static const struct {
    const char *name;
    int (*run)(pickle_machine *m, int op);
} opcodes[256] = {
    [0x80] = {"PROTO", op_proto},
    [0x95] = {"FRAME", op_frame},
    ['.'] = {"STOP", op_stop},
    ['N'] = {"NONE", op_constant},
    [0x88] = {"NEWTRUE", op_constant},
    [0x89] = {"NEWFALSE", op_constant},
    ['J'] = {"BININT", op_integer},
    ['K'] = {"BININT1", op_integer},
    ['M'] = {"BININT2", op_integer},
    [0x8a] = {"LONG1", op_long},
    ['G'] = {"BINFLOAT", op_float},
    ['X'] = {"BINUNICODE", op_text},
    [0x8c] = {"SHORT_BINUNICODE", op_text},
    [0x8d] = {"BINUNICODE8", op_text},
    ['T'] = {"BINSTRING", op_text},
    ['U'] = {"SHORT_BINSTRING", op_text},
    ['B'] = {"BINBYTES", op_text},
    ['C'] = {"SHORT_BINBYTES", op_text},
    [0x96] = {"BYTEARRAY8", op_text},
    ['}'] = {"EMPTY_DICT", op_empty},
    [']'] = {"EMPTY_LIST", op_empty},
    [')'] = {"EMPTY_TUPLE", op_empty},
    [0x8f] = {"EMPTY_SET", op_empty},
    ['('] = {"MARK", op_mark},
    ['t'] = {"TUPLE", op_collect},
    ['l'] = {"LIST", op_collect},
    ['d'] = {"DICT", op_collect},
    [0x91] = {"FROZENSET", op_collect},
    [0x85] = {"TUPLE1", op_collect},
    [0x86] = {"TUPLE2", op_collect},
    [0x87] = {"TUPLE3", op_collect},
    ['a'] = {"APPEND", op_fill_one},
    ['s'] = {"SETITEM", op_fill_one},
    ['e'] = {"APPENDS", op_fill_marked},
    ['u'] = {"SETITEMS", op_fill_marked},
    [0x90] = {"ADDITEMS", op_fill_marked},
    ['0'] = {"POP", op_pop},
    ['2'] = {"DUP", op_dup},
    ['q'] = {"BINPUT", op_put},
    ['r'] = {"LONG_BINPUT", op_put},
    [0x94] = {"MEMOIZE", op_put},
    ['h'] = {"BINGET", op_get},
    ['j'] = {"LONG_BINGET", op_get},
    ['c'] = {"GLOBAL", op_global},
    [0x93] = {"STACK_GLOBAL", op_stack_global},
    ['R'] = {"REDUCE", op_call},
    [0x81] = {"NEWOBJ", op_call},
    ['b'] = {"BUILD", op_build},
    ['Q'] = {"BINPERSID", op_persistent},

    ['1'] = {"POP_MARK", NULL},
    ['F'] = {"FLOAT", NULL},
    ['I'] = {"INT", NULL},
    ['L'] = {"LONG", NULL},
    ['P'] = {"PERSID", NULL},
    ['S'] = {"STRING", NULL},
    ['V'] = {"UNICODE", NULL},
    ['g'] = {"GET", NULL},
    ['i'] = {"INST", NULL},
    ['o'] = {"OBJ", NULL},
    ['p'] = {"PUT", NULL},
    [0x82] = {"EXT1", NULL},
    [0x83] = {"EXT2", NULL},
    [0x84] = {"EXT4", NULL},
    [0x8b] = {"LONG4", NULL},
    [0x8e] = {"BINBYTES8", NULL},
    [0x92] = {"NEWOBJ_EX", NULL},
    [0x97] = {"NEXT_BUFFER", NULL},
    [0x98] = {"READONLY_BUFFER", NULL},
};

static int step(pickle_machine *m)
{
    m->cut = m->at == m->end;
    if (m->cut) return FAIL(SDCL_EMODEL, "the pickle ends without STOP: cut short");
    const size_t where = (size_t)(m->at - m->begin);
    const int op = *m->at++;
    const char *name = opcodes[op].name;
    if (!where && op != 0x80) return FAIL(SDCL_EMODEL, "not a pickle of protocol 2 to 5");
    if (!name) return FAIL(SDCL_EMODEL, "pickle, byte %zu: 0x%02x is no opcode", where, (unsigned)op);
    if (!opcodes[op].run)
        return FAIL(SDCL_EMODEL, "pickle, byte %zu: opcode %s is not one of those that weights need", where, name);
    int err = opcodes[op].run(m, op);
    return err ? error_prefix(err, "pickle, byte %zu, %s", where, name) : 0;
}

int pickle_read(pickle *p, const unsigned char *text, size_t n, size_t *used)
{
    int err = 0;
    *p = (pickle){0};
    *used = 0;
    pickle_machine *m = malloc(sizeof *m);
    if (!m) return FAIL(SDCL_ENOMEM, "out of memory");
    m->p = p;
    m->begin = m->at = text;
    m->end = text + n;
    m->depth = m->marks = m->memo_capacity = m->memo_count = 0;
    m->memo = NULL;
    m->stopped = m->cut = false;
    while (!m->stopped) TRY(step(m));
out:
    *used = m->cut ? n : (size_t)(m->at - m->begin);
    free(m->memo);
    free(m);
    return err;
}

void pickle_free(pickle *p)
{
    free(p->value);
    free(p->cell);
    *p = (pickle){0};
}

const pickle_value *pickle_root(const pickle *p) { return &p->value[p->root]; }

const pickle_value *pickle_next(const pickle *p, uint32_t *cell)
{
    if (*cell == PICKLE_END) return NULL;
    const pickle_cell *c = &p->cell[*cell];
    *cell = c->next;
    return &p->value[c->value];
}

const pickle_value *pickle_item(const pickle *p, const pickle_value *v, uint32_t i)
{
    uint32_t cell = v->first;
    if (i >= v->n) return NULL;
    while (i--) cell = p->cell[cell].next;
    return &p->value[p->cell[cell].value];
}

const pickle_value *pickle_get(const pickle *p, const pickle_value *dict, const char *key)
{
    const pickle_value *k, *found = NULL;
    for (uint32_t cell = dict->first; (k = pickle_next(p, &cell));) {
        const pickle_value *v = pickle_next(p, &cell);
        if (pickle_text_is(k, key)) found = v;
    }
    return found;
}

int pickle_text_is(const pickle_value *v, const char *text)
{
    return v->kind == PICKLE_TEXT && v->n == strlen(text) && !memcmp(v->bytes, text, v->n);
}
