/* SPDX-License-Identifier: MIT */
/* Values for shapes: reading [section M= N= K=], and which of them serve a step. A step takes those of the nearest shape that are valid for it, as one set;
 * distance is the sum over the sizes given of |log(size / size)|. Within a layer a shape wins over all shapes; a later layer wins over both. */
#include "base/error.h"
#include "ocl/config_internal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_DIGITS_MAX = 9 };

static const char size_names[] = "MNK";

static int bad_size(const config_origin *o, const char *name, const char *why)
{
    int err = config_fail(o, "[%.96s]: %s", name, why);
    error_hint("a section for one shape reads [gemm_cpu M=64 N=320 K=320]");
    return err;
}

static int read_sizes(const config_origin *o, const char *name, const char *text, int size[3])
{
    for (const char *s = text; *(s += strspn(s, " "));) {
        const char *which = strchr(size_names, *s);
        size_t digits = s[1] == '=' ? strspn(s + 2, "0123456789") : 0;
        if (!which || s[1] != '=') return bad_size(o, name, "expected M=, N= or K= after the name");
        if (!digits || digits > SIZE_DIGITS_MAX || s[2] == '0' || (s[2 + digits] && s[2 + digits] != ' '))
            return bad_size(o, name, "a size is a number above zero");
        int *to = &size[which - size_names];
        if (*to) return bad_size(o, name, "a size is given twice");
        *to = atoi(s + 2);
        s += 2 + digits;
    }
    return 0;
}

int config_find_class(config *c, const config_origin *o, const char *name, const char *sizes, config_place *place)
{
    config_class wanted = {.section = place->section, .precision = place->precision, .layer = o->layer};
    int err = read_sizes(o, name, sizes, wanted.size);
    if (err) return err;
    if (c->sections[place->section]->per_precision != OCL_PER_SHAPE)
        return bad_size(o, name, "has no values per shape");
    for (place->shape = 0; place->shape < c->class_count; place->shape++) {
        const config_class *k = &c->classes[place->shape];
        if (k->section == wanted.section && k->precision == wanted.precision && k->layer == wanted.layer &&
            !memcmp(k->size, wanted.size, sizeof k->size))
            return 0;
    }
    if (c->class_count == c->class_capacity) {
        int capacity = c->class_capacity ? c->class_capacity * 2 : 64;
        config_class *longer = realloc(c->classes, (size_t)capacity * sizeof *longer);
        if (!longer) return FAIL(SDCL_ENOMEM, "out of memory reading the configuration");
        c->classes = longer;
        c->class_capacity = capacity;
    }
    wanted.slots = calloc((size_t)c->sections[place->section]->count + 1, sizeof *wanted.slots);
    if (!wanted.slots) return FAIL(SDCL_ENOMEM, "out of memory reading the configuration");
    c->classes[c->class_count++] = wanted;
    return 0;
}

void config_classes_free(config *c)
{
    for (int i = 0; i < c->class_count; i++) free(c->classes[i].slots);
    free(c->classes);
}

const config_slot *config_slot_of(const config *c, int section, int precision, int shape, int k)
{
    const config_key *key = &c->keys[section][k];
    const config_slot *all = &key->slots[PRECISION_ANY];
    if (precision && key->slots[precision].origin.file) all = &key->slots[precision];
    if (shape < 0) return all;
    const config_slot *one = &c->classes[shape].slots[k];
    return one->origin.file && one->origin.layer >= all->origin.layer ? one : all;
}

/* INFINITY: not for this step. */
static double distance(const config_class *k, int section, int precision, ocl_shape shape)
{
    const int size[3] = {shape.m, shape.n, shape.k};
    double sum = 0;
    if (!k->used || k->section != section || (k->precision && k->precision != precision)) return INFINITY;
    for (int i = 0; i < 3; i++) {
        if (!k->size[i]) continue;
        if (!size[i]) return INFINITY;
        sum += fabs(log((double)k->size[i] / size[i]));
    }
    return sum;
}

static int sizes_given(const config_class *k) { return (k->size[0] > 0) + (k->size[1] > 0) + (k->size[2] > 0); }

/* Of two classes at the same distance: does a come before b? */
static bool says_more(const config_class *a, const config_class *b)
{
    int more = sizes_given(a) - sizes_given(b);
    if (!more) more = (a->precision > 0) - (b->precision > 0);
    if (!more) more = a->layer - b->layer;
    return more ? more > 0 : a < b;
}

/* The class that comes after `last` (-1: the first) in the order of nearness; -1: none. */
static int next_class(const config *c, int section, int precision, ocl_shape shape, int last)
{
    int best = -1;
    double nearest = INFINITY, passed = last < 0 ? -1 : distance(&c->classes[last], section, precision, shape);
    for (int i = 0; i < c->class_count; i++) {
        const config_class *k = &c->classes[i];
        double d = distance(k, section, precision, shape);
        if (isinf(d) || d < passed || i == last) continue;
        if (d == passed && !says_more(&c->classes[last], k)) continue;
        if (best < 0 || d < nearest || (d == nearest && says_more(k, &c->classes[best]))) {
            best = i;
            nearest = d;
        }
    }
    return best;
}

void config_merge(const config *c, int section, int precision, int shape, int *values)
{
    for (int k = 0; k < c->sections[section]->count; k++)
        values[k] = config_slot_value(&c->keys[section][k], config_slot_of(c, section, precision, shape, k));
}

/* The class that is meant for exactly this shape, which must fit; -1: none. */
static int exact_class(const config *c, int section, int precision, ocl_shape shape)
{
    int i = next_class(c, section, precision, shape, -1);
    return i >= 0 && distance(&c->classes[i], section, precision, shape) == 0 ? i : -1;
}

bool config_values_at(const config *c, const ocl_section *section, const char *precision, ocl_shape shape,
                      config_valid_fn *valid, void *user, int *values)
{
    int s = config_section_index(c, section), p = config_precision_index(precision), exact;
    if (s < 0) return valid(user, values);
    exact = exact_class(c, s, p, shape);
    for (int i = exact; exact < 0 && (i = next_class(c, s, p, shape, i)) >= 0;) {
        config_merge(c, s, p, i, values);
        if (valid(user, values)) return true;
    }
    config_merge(c, s, p, exact, values);
    return valid(user, values);
}

static bool any(void *user, const int *values)
{
    (void)user;
    (void)values;
    return true;
}

void config_values(const config *c, const ocl_section *section, const char *precision, ocl_shape shape, int *values)
{
    config_values_at(c, section, precision, shape, any, NULL, values);
}

config_origin config_last_origin(const config *c, config_place place)
{
    config_origin last = {0};
    for (int k = 0; k < c->sections[place.section]->count; k++) {
        const config_origin *o = &config_slot_of(c, place.section, place.precision, place.shape, k)->origin;
        if (o->layer > last.layer || (o->layer == last.layer && o->line > last.line)) last = *o;
    }
    return last;
}

int config_unfit(const config *c, const ocl_section *section, const char *precision, ocl_shape shape, const int *values,
                 const char *what)
{
    config_origin last = {0};
    char text[512] = "";
    int s = config_section_index(c, section), p = config_precision_index(precision);
    if (s >= 0) last = config_last_origin(c, (config_place){s, p, exact_class(c, s, p, shape)});
    if (s >= 0) config_values_text(c, section, values, text, sizeof text);
    return config_fail(&last, "[%s] with %s does not fit %s", section->name, text, what);
}

void config_origin_at(const config *c, const ocl_section *section, const char *precision, ocl_shape shape,
                      const char *key, char *text, size_t size)
{
    int s = config_section_index(c, section), p = config_precision_index(precision), k = 0;
    *text = 0;
    while (s >= 0 && k < section->count && strcmp(section->tunables[k].name, key) != 0) k++;
    if (s >= 0 && k < section->count)
        config_origin_text(text, size, &config_slot_of(c, s, p, exact_class(c, s, p, shape), k)->origin);
}
