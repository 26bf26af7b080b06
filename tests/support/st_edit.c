/* SPDX-License-Identifier: MIT */
#include "st_edit.h"

#include "need.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static st_tensor *grow(st_list *l)
{
    l->tensor = realloc(l->tensor, (size_t)(l->count + 1) * sizeof *l->tensor);
    NEED(l->tensor);
    l->tensor[l->count] = (st_tensor){0};
    return &l->tensor[l->count++];
}

void list_read(st_list *l, const char *path)
{
    *l = (st_list){0};
    uint64_t n;
    FILE *f = fopen(path, "rb");
    NEED(f && fread(&n, 8, 1, f) == 1);
    char *text = malloc(n);
    NEED(text && fread(text, 1, n, f) == n);
    json_t *header = json_loadb(text, n, 0, NULL), *v;
    const char *name;
    NEED(header);
    json_object_foreach(header, name, v)
    {
        if (!strcmp(name, "__metadata__")) continue;
        st_tensor *t = grow(l);
        json_t *shape = json_object_get(v, "shape"), *range = json_object_get(v, "data_offsets");
        uint64_t first = (uint64_t)json_integer_value(json_array_get(range, 0));
        snprintf(t->name, sizeof t->name, "%s", name);
        snprintf(t->dtype, sizeof t->dtype, "%s", json_string_value(json_object_get(v, "dtype")));
        t->rank = (int)json_array_size(shape);
        for (int i = 0; i < t->rank; i++) t->shape[i] = (uint64_t)json_integer_value(json_array_get(shape, (size_t)i));
        t->bytes = (size_t)json_integer_value(json_array_get(range, 1)) - first;
        t->data = malloc(t->bytes + 1);
        NEED(t->data && !fseek(f, (long)(8 + n + first), SEEK_SET) && fread(t->data, 1, t->bytes, f) == t->bytes);
    }
    json_decref(header);
    free(text);
    fclose(f);
}

void list_write(const st_list *l, const char *path)
{
    json_t *header = json_object();
    json_int_t at = 0;
    for (int i = 0; i < l->count; i++) {
        const st_tensor *t = &l->tensor[i];
        json_t *shape = json_array();
        for (int d = 0; d < t->rank; d++) json_array_append_new(shape, json_integer((json_int_t)t->shape[d]));
        json_int_t end = at + (json_int_t)t->bytes;
        json_object_set_new(header, t->name,
                            json_pack("{s:s,s:o,s:[I,I]}", "dtype", t->dtype, "shape", shape, "data_offsets", at, end));
        at = end;
    }
    char *text = json_dumps(header, JSON_COMPACT);
    uint64_t n = strlen(text);
    FILE *f = fopen(path, "wb");
    NEED(f && fwrite(&n, 8, 1, f) == 1 && fwrite(text, 1, n, f) == n);
    for (int i = 0; i < l->count; i++) NEED(fwrite(l->tensor[i].data, 1, l->tensor[i].bytes, f) == l->tensor[i].bytes);
    NEED(!fclose(f));
    free(text);
    json_decref(header);
}

void list_free(st_list *l)
{
    for (int i = 0; i < l->count; i++) free(l->tensor[i].data);
    free(l->tensor);
    *l = (st_list){0};
}

int list_index(const st_list *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->tensor[i].name, name)) return i;
    return -1;
}

static void remove_at(st_list *l, int i)
{
    NEED(i >= 0);
    free(l->tensor[i].data);
    memmove(&l->tensor[i], &l->tensor[i + 1], (size_t)(--l->count - i) * sizeof *l->tensor);
}

void list_drop(st_list *l, const char *name) { remove_at(l, list_index(l, name)); }

void list_drop_prefix(st_list *l, const char *prefix)
{
    for (int i = l->count - 1; i >= 0; i--)
        if (!strncmp(l->tensor[i].name, prefix, strlen(prefix))) remove_at(l, i);
}

static st_tensor *need(st_list *l, const char *name)
{
    int i = list_index(l, name);
    NEED(i >= 0);
    return &l->tensor[i];
}

void list_rename(st_list *l, const char *from, const char *to)
{
    st_tensor *t = need(l, from);
    snprintf(t->name, sizeof t->name, "%s", to);
}

void list_rename_all(st_list *l, const char *from, const char *to)
{
    for (int i = 0; i < l->count; i++) {
        char *name = l->tensor[i].name, *at = strstr(name, from), tail[256];
        if (!at) continue;
        snprintf(tail, sizeof tail, "%s", at + strlen(from));
        NEED((size_t)(at - name) + strlen(to) + strlen(tail) < sizeof l->tensor[i].name);
        strcpy(at, to);
        strcat(name, tail);
    }
}

void list_reshape(st_list *l, const char *name, int rank, const uint64_t *shape)
{
    st_tensor *t = need(l, name);
    t->rank = rank;
    memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
}

void list_retype(st_list *l, const char *name, const char *dtype)
{
    st_tensor *t = need(l, name);
    snprintf(t->dtype, sizeof t->dtype, "%s", dtype);
}

void list_add(st_list *l, const char *name, const char *dtype, int rank, const uint64_t *shape)
{
    st_tensor *t = grow(l);
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->dtype, sizeof t->dtype, "%s", dtype);
    t->bytes = strcmp(dtype, "F16") ? 4 : 2;
    t->rank = rank;
    for (int i = 0; i < rank; i++) {
        t->shape[i] = shape[i];
        t->bytes *= shape[i];
    }
    t->data = calloc(1, t->bytes + 1);
    NEED(t->data);
}

void json_edit(const char *path, const char *key, const char *literal)
{
    json_t *root = json_load_file(path, 0, NULL);
    NEED(root);
    if (literal) {
        json_t *value = json_loads(literal, JSON_DECODE_ANY, NULL);
        NEED(value && !json_object_set_new(root, key, value));
    } else {
        json_object_del(root, key);
    }
    NEED(!json_dump_file(root, path, JSON_INDENT(2)));
    json_decref(root);
}

void text_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    NEED(f && fputs(text, f) >= 0 && !fclose(f));
}

void shell(const char *format, ...)
{
    char command[2048];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(command, sizeof command, format, ap);
    va_end(ap);
    NEED(n > 0 && (size_t)n < sizeof command && !system(command));
}
