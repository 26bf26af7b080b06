/* SPDX-License-Identifier: MIT */
/* What could be said instead of values that do not go together: one key's other values, or where one is not enough a few pairs of keys. */
#include "ocl/config_internal.h"

#include <stdio.h>
#include <string.h>

enum { PAIRS_MAX = 3 };

typedef struct repair {
    const config_key *keys;
    int count;
    int values[OCL_TUNABLES_MAX];
    config_valid_fn *valid;
    void *user;
    strbuf found;
} repair;

static bool works(repair *r, int key, int value)
{
    int was = r->values[key];
    r->values[key] = value;
    bool valid = value != was && r->valid(r->user, r->values);
    r->values[key] = was;
    return valid;
}

/* All values of a key that do, others as they are. */
static void try_key(repair *r, int key)
{
    int value;
    const config_key *k = &r->keys[key];
    for (const char *w = k->words, *before = NULL; *w; w += strlen(w) + 1) {
        if (!config_word_value(k, w, &value) || !works(r, key, value)) continue;
        if (before) strbuf_printf(&r->found, " %s", w);
        else strbuf_printf(&r->found, "%s%s = %s", r->found.n ? ", " : "", k->tunable->name, w);
        before = w;
    }
}

/* The first values of two keys that do. */
static bool try_pair(repair *r, int a, int b)
{
    int first, second, was = r->values[a];
    const config_key *one = &r->keys[a], *other = &r->keys[b];
    for (const char *v = one->words; *v; v += strlen(v) + 1) {
        if (!config_word_value(one, v, &first) || first == was) continue;
        for (const char *w = other->words; *w; w += strlen(w) + 1) {
            r->values[a] = first;
            bool do_go = config_word_value(other, w, &second) && works(r, b, second);
            r->values[a] = was;
            if (!do_go) continue;
            strbuf_printf(&r->found, "%s%s = %s with %s = %s", r->found.n ? ", " : "", one->tunable->name, v,
                          other->tunable->name, w);
            return true;
        }
    }
    return false;
}

void config_repairs(const config *c, const ocl_section *section, const int *values, config_valid_fn *valid, void *user,
                    char *text, size_t size)
{
    int s = config_section_index(c, section), pairs = 0;
    repair r = {.keys = s < 0 ? NULL : c->keys[s], .count = s < 0 ? 0 : section->count, .valid = valid, .user = user};
    memcpy(r.values, values, (size_t)r.count * sizeof *values);
    for (int i = 0; i < r.count; i++) try_key(&r, i);
    bool alone = r.found.n > 0;
    for (int i = 0; i < r.count && !alone; i++)
        for (int j = i + 1; j < r.count && pairs < PAIRS_MAX; j++) pairs += try_pair(&r, i, j);
    snprintf(text, size, "%s", strbuf_text(&r.found));
    strbuf_free(&r.found);
}
