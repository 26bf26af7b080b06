/* SPDX-License-Identifier: MIT */
/* Values and their origins. A value that is set at a precision wins over one for all, whichever layer either comes from. */
#include "ocl/config.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "ocl/config_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const config_precisions[PRECISION_COUNT] = {"", "f32", "f16", "bf16"};

void config_origin_text(char *out, size_t size, const config_origin *o)
{
    if (!o->file) snprintf(out, size, "built-in default");
    else if (!o->line) snprintf(out, size, "%s", o->file);
    else snprintf(out, size, "%s%s:%d", o->folder, o->file, o->line);
}

int config_fail(const config_origin *o, const char *format, ...)
{
    char text[1024], origin[1000];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    config_origin_text(origin, sizeof origin, o);
    return FAIL(SDCL_EUSAGE, "%s: %s", origin, text);
}

static int fail_near(const config_origin *o, const config_nearest *n, const char *what)
{
    if (n->best[0]) return config_fail(o, "unknown %s; did you mean '%s'?", what, n->best);
    return config_fail(o, "unknown %s", what);
}

/* "gemm_cpu" or "gemm_cpu.f16" */
static void section_name(char *out, size_t size, const ocl_section *s, int precision)
{
    snprintf(out, size, "%s%s%s", s->name, precision ? "." : "", config_precisions[precision]);
}

void config_place_name(char *out, size_t size, const config *c, config_place place)
{
    static const char names[] = "MNK";
    section_name(out, size, c->sections[place.section], place.precision);
    for (int i = 0; i < 3 && place.shape >= 0; i++) {
        size_t n = strlen(out);
        int v = c->classes[place.shape].size[i];
        if (v) snprintf(out + n, size - n, " %c=%d", names[i], v);
    }
}

int config_find_place(config *c, const config_origin *o, const char *name, config_place *place)
{
    char full[128], what[128];
    size_t n = strcspn(name, " ");
    config_nearest near = {.word = name};
    for (int s = 0; s < c->count; s++)
        for (int p = 0; p < (c->sections[s]->per_precision ? PRECISION_COUNT : 1); p++) {
            section_name(full, sizeof full, c->sections[s], p);
            config_nearest_try(&near, full);
            if (strlen(full) != n || strncmp(full, name, n) != 0) continue;
            *place = (config_place){s, p, -1};
            return name[n] ? config_find_class(c, o, name, name + n, place) : 0;
        }
    snprintf(what, sizeof what, "section [%.96s]", name);
    int err = fail_near(o, &near, what);
    error_hint("'sdcl config' lists every section and key");
    return err;
}

static int unknown_key(const config *c, const config_origin *o, int section, const char *key)
{
    const ocl_section *s = c->sections[section];
    char what[192];
    strbuf names = {0};
    config_nearest near = {.word = key};
    for (int k = 0; k < s->count; k++) {
        config_nearest_try(&near, s->tunables[k].name);
        strbuf_printf(&names, " %s", s->tunables[k].name);
    }
    snprintf(what, sizeof what, "key '%.64s' in [%s]", key, s->name);
    int err = fail_near(o, &near, what);
    error_hint("keys of [%s]:%s", s->name, strbuf_text(&names));
    strbuf_free(&names);
    return err;
}

/* Only what is spelled as in the list is a choice, so that no other text gets further. */
bool config_word_value(const config_key *k, const char *word, int *value)
{
    int i = 0;
    for (const char *w = k->words; *w; w += strlen(w) + 1, i++)
        if (!strcmp(w, word)) {
            *value = !k->numbers ? i : !strcmp(w, "auto") ? OCL_AUTO : (int)strtol(w, NULL, 10);
            return true;
        }
    return false;
}

static config_key *key_of(const config *c, int section, const char *name)
{
    for (int k = 0; k < c->sections[section]->count; k++)
        if (!strcmp(c->keys[section][k].tunable->name, name)) return &c->keys[section][k];
    return NULL;
}

int config_assign(config *c, const config_origin *o, config_place place, const char *name, const char *text)
{
    char full[160];
    int value = 0;
    config_key *k = key_of(c, place.section, name);
    if (!k) return unknown_key(c, o, place.section, name);
    config_slot *slot = &k->slots[place.precision];
    if (place.shape >= 0) slot = &c->classes[place.shape].slots[k - c->keys[place.section]];
    config_place_name(full, sizeof full, c, place);
    if (o->line && slot->origin.file == o->file)
        return config_fail(o, "'%s' is set twice in [%s]; first in line %d", name, full, slot->origin.line);
    if (!config_word_value(k, text, &value))
        return config_fail(o, "'%s' in [%s] cannot be '%.64s'; allowed: %s", name, full, text, k->tunable->choices);
    *slot = (config_slot){value, *o};
    if (place.shape >= 0) c->classes[place.shape].used = true;
    return 0;
}

/* text: "section.key=value" or "section.precision.key=value" */
static int apply_set(config *c, const char *text)
{
    char left[192];
    config_place place;
    config_origin o = {"", "--set", 0, c->layer};
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;
    const char *dot = n ? memrchr(text, '.', n) : NULL;
    if (!dot || n >= sizeof left) return config_fail(&o, "'%.100s' is not section.key=value", text);
    memcpy(left, text, n);
    left[n] = 0;
    left[dot - text] = 0;
    int err = config_find_place(c, &o, left, &place);
    return err ? err : config_assign(c, &o, place, left + (dot - text) + 1, equals + 1);
}

static bool key_open(config_key *k, const ocl_tunable *t)
{
    size_t n = 0;
    char *end;
    *k = (config_key){.tunable = t, .numbers = true, .words = calloc(1, strlen(t->choices) + 2)};
    if (!k->words) return false;
    for (const char *s = t->choices + strspn(t->choices, " "); *s; s += strspn(s, " ")) {
        size_t length = strcspn(s, " ");
        memcpy(k->words + n, s, length);
        strtol(k->words + n, &end, 10);
        if (*end && (n || strcmp(k->words, "auto") != 0)) k->numbers = false;
        n += length + 1;
        s += length;
    }
    return true;
}

static int keys_open(config *c)
{
    while (c->sections[c->count]) c->count++;
    c->keys = calloc((size_t)c->count + 1, sizeof *c->keys);
    if (!c->keys) goto out;
    for (int s = 0; s < c->count; s++) {
        const ocl_section *section = c->sections[s];
        c->keys[s] = calloc((size_t)section->count + 1, sizeof **c->keys);
        if (!c->keys[s]) goto out;
        for (int k = 0; k < section->count; k++)
            if (!key_open(&c->keys[s][k], &section->tunables[k])) goto out;
    }
    return 0;
out:
    return FAIL(SDCL_ENOMEM, "out of memory reading the configuration");
}

static int open_layers(config **out_c, const ocl_section *const *sections, const sdcl_device *device, bool tuned,
                       const char *config_file, const char *const *set, int set_count)
{
    int err = 0;
    *out_c = NULL;
    config *c = calloc(1, sizeof *c);
    if (!c) return FAIL(SDCL_ENOMEM, "out of memory reading the configuration");
    c->sections = sections;
    TRY(keys_open(c));
    if (device) TRY(config_apply_shipped(c, device));
    if (device && tuned) TRY(config_apply_tuned(c, device));
    if (config_file) {
        c->file = strdup(config_file);
        if (!c->file) {
            err = FAIL(SDCL_ENOMEM, "out of memory reading the configuration");
            goto out;
        }
        TRY(config_apply_file(c, c->file));
    }
    c->layer++;
    for (int i = 0; i < set_count; i++) TRY(apply_set(c, set[i]));
    *out_c = c;
    c = NULL;
out:
    config_close(&c);
    return err;
}

int config_open(config **c, const ocl_section *const *sections, const sdcl_device *device, const char *config_file,
                const char *const *set, int set_count)
{
    return open_layers(c, sections, device, true, config_file, set, set_count);
}

int config_open_shipped(config **c, const ocl_section *const *sections, const sdcl_device *device,
                        const char *const *set, int set_count)
{
    return open_layers(c, sections, device, false, NULL, set, set_count);
}

void config_close(config **c_)
{
    config *c = *c_;
    if (!c) return;
    for (int s = 0; c->keys && s < c->count; s++) {
        for (int k = 0; c->keys[s] && k < c->sections[s]->count; k++) free(c->keys[s][k].words);
        free(c->keys[s]);
    }
    free(c->keys);
    config_classes_free(c);
    strbuf_free(&c->warnings);
    free(c->file);
    free(c->tuned);
    free(c);
    *c_ = NULL;
}

int config_precision_index(const char *name)
{
    int p = PRECISION_ANY;
    if (name)
        for (p = PRECISION_F32; p < PRECISION_COUNT && strcmp(config_precisions[p], name) != 0;) p++;
    assert(p < PRECISION_COUNT);
    return p;
}

int config_section_index(const config *c, const ocl_section *section)
{
    for (int s = 0; s < c->count; s++)
        if (!strcmp(c->sections[s]->name, section->name)) return s;
    assert(!section->count);
    return -1;
}

int config_slot_value(const config_key *k, const config_slot *slot)
{
    return slot->origin.file ? slot->value : k->tunable->value;
}

static const config_key *existing_key(const config *c, const ocl_section *section, const char *name)
{
    const config_key *k = key_of(c, config_section_index(c, section), name);
    assert(k);
    return k;
}

int config_value(const config *c, const ocl_section *section, const char *precision, ocl_shape shape, const char *key)
{
    int values[OCL_TUNABLES_MAX];
    config_values(c, section, precision, shape, values);
    return values[existing_key(c, section, key)->tunable - section->tunables];
}

const char *config_value_word(const config_key *k, int value)
{
    const char *w = k->words;
    for (int i = 0; *w && i < value; i++) w += strlen(w) + 1;
    return w;
}

const char *config_word_of(const config *c, const ocl_section *section, const char *key, const int *values)
{
    const config_key *k = existing_key(c, section, key);
    return config_value_word(k, values[k->tunable - section->tunables]);
}

void config_key_text(const config_key *k, int value, char *text, size_t size)
{
    if (k->numbers && value != OCL_AUTO) snprintf(text, size, "%d", value);
    else snprintf(text, size, "%s", config_value_word(k, value));
}

void config_values_text(const config *c, const ocl_section *section, const int *values, char *text, size_t size)
{
    size_t n = 0;
    *text = 0;
    for (int i = 0; i < section->count && n < size; i++) {
        char word[64];
        const config_key *k = existing_key(c, section, section->tunables[i].name);
        config_key_text(k, values[i], word, sizeof word);
        n += (size_t)snprintf(text + n, size - n, "%s%s = %s", i ? ", " : "", k->tunable->name, word);
    }
}

const char *config_word(const config *c, const ocl_section *section, const char *precision, ocl_shape shape,
                        const char *key)
{
    return config_value_word(existing_key(c, section, key), config_value(c, section, precision, shape, key));
}

int config_refuse(const config *c, const ocl_section *section, const char *precision, int key, const char *format, ...)
{
    char text[512];
    va_list ap;
    const config_slot *slot = config_slot_of(c, config_section_index(c, section), config_precision_index(precision), -1,
                                             key);
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return config_fail(&slot->origin, "[%s] %s", section->name, text);
}

void config_warn(config *c, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    strbuf_add(&c->warnings, text, strlen(text) + 1);
}

void config_warnings(const config *c, void (*each)(void *user, const char *text), void *user)
{
    for (size_t i = 0; i < c->warnings.n; i += strlen(c->warnings.s + i) + 1) each(user, c->warnings.s + i);
}

bool config_is_tuned(const config *c) { return c->is_tuned; }
bool config_has_device_file(const config *c) { return c->has_device_file; }
