/* SPDX-License-Identifier: MIT */
/* The listing of `sdcl config`, and what of it cannot run. */
#include "base/error.h"
#include "ocl/config_internal.h"

#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 640 };

typedef struct listing {
    const config *c, *shipped;
    config_judge_fn *judge; /* NULL: nobody judges */
    void *judge_user;
    sdcl_config_fn *each;
    void *user;
    config_origin first; /* of what does not do, and is asked for */
    char section[160], why[WHY_MAX];
    bool found;
} listing;

static bool sets(const config *c, config_place place)
{
    for (int i = 0; i < c->sections[place.section]->count; i++) {
        const config_slot *slot = place.shape < 0 ? &c->keys[place.section][i].slots[place.precision]
                                                  : &c->classes[place.shape].slots[i];
        if (slot->origin.file) return true;
    }
    return false;
}

/* Do steps take the values of a place as they are? Those for all precisions not, where each has some of its own. */
static bool serves(const config *c, config_place place)
{
    if (place.precision || place.shape >= 0 || !c->sections[place.section]->per_precision) return sets(c, place);
    for (int p = PRECISION_F32; p < PRECISION_COUNT; p++)
        if (!sets(c, (config_place){place.section, p, -1})) return true;
    return false;
}

static void judge_place(listing *l, config_place place, const char *name)
{
    int values[OCL_TUNABLES_MAX], shipped[OCL_TUNABLES_MAX];
    char why[WHY_MAX] = "", origin[4352];
    const config *c = l->c;
    const ocl_section *section = c->sections[place.section];
    if (!l->judge || !serves(c, place)) return;
    const int *size = place.shape >= 0 ? c->classes[place.shape].size : (const int[3]){0};
    const ocl_shape shape = {size[0], size[1], size[2]};
    const config_origin last = config_last_origin(c, place);
    config_merge(c, place.section, place.precision, place.shape, values);
    config_values(l->shipped, section, place.precision ? config_precisions[place.precision] : NULL, shape, shipped);
    config_verdict v = l->judge(l->judge_user, c, section, shape, values, why, sizeof why);
    bool changed = memcmp(values, shipped, (size_t)section->count * sizeof *values) != 0;
    if (v == CONFIG_FITS || (v == CONFIG_SPARE && !changed)) return;
    config_origin_text(origin, sizeof origin, &last);
    l->each(l->user, name, NULL, why, origin);
    if (v == CONFIG_SPARE || l->found) return;
    l->found = true;
    l->first = last;
    snprintf(l->section, sizeof l->section, "%s", name);
    snprintf(l->why, sizeof l->why, "%s", why);
}

/* The keys of a place: all of them where it is for every precision and shape, else those that it sets. */
static void list_place(listing *l, config_place place)
{
    const config *c = l->c;
    char section[160], value[64], origin[4352];
    config_place_name(section, sizeof section, c, place);
    judge_place(l, place, section);
    for (int i = 0; i < c->sections[place.section]->count; i++) {
        const config_key *k = &c->keys[place.section][i];
        const config_slot *slot = place.shape < 0 ? &k->slots[place.precision] : &c->classes[place.shape].slots[i];
        int v = config_slot_value(k, slot);
        if ((place.precision || place.shape >= 0) && !slot->origin.file) continue;
        config_key_text(k, v, value, sizeof value);
        config_origin_text(origin, sizeof origin, &slot->origin);
        l->each(l->user, section, k->tunable->name, value, origin);
    }
}

static void list(listing *l)
{
    const config *c = l->c;
    for (int s = 0; s < c->count; s++) {
        for (int p = 0; p < PRECISION_COUNT; p++) list_place(l, (config_place){s, p, -1});
        for (int i = 0; i < c->class_count; i++)
            if (c->classes[i].section == s) list_place(l, (config_place){s, c->classes[i].precision, i});
    }
}

void config_each(const config *c, sdcl_config_fn *each, void *user)
{
    listing l = {.c = c, .each = each, .user = user};
    list(&l);
}

int config_each_judged(const config *c, const config *shipped, config_judge_fn *judge, void *judge_user,
                       sdcl_config_fn *each, void *user)
{
    listing l = {.c = c, .shipped = shipped, .judge = judge, .judge_user = judge_user, .each = each, .user = user};
    list(&l);
    return l.found ? config_fail(&l.first, "[%s]: %s", l.section, l.why) : 0;
}
