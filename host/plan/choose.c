/* SPDX-License-Identifier: MIT */
/* Which implementation a step takes: what the configuration says, else the first that fits and pays. */
#include "plan/internal.h"

#include <string.h>

enum { ORIGIN_MAX = 4352 };

typedef struct choice {
    const plan *p;
    step *s;
    bool any; /* whatever the configuration says */
} choice;

/* values: of the op's section. Takes the first implementation that fits among those that they allow. */
static bool choose(void *user, const int *values)
{
    const choice *c = user;
    const op *o = c->s->op;
    const char *word = o->section && !c->any ? config_word_of(ocl_config_of(c->p->o), o->section, "impl", values)
                                             : "auto";
    for (int i = 0; o->impls[i]; i++) {
        const impl *m = o->impls[i];
        bool any = !strcmp(word, "auto");
        if (!any && strcmp(word, m->name) != 0) continue;
        if ((m->runs_on && !m->runs_on(ocl_device_of(c->p->o))) || (m->fits && !m->fits(c->p, c->s))) continue;
        if (any && m->pays && !m->pays(c->p, c->s)) continue;
        c->s->impl = m;
        return true;
    }
    return false;
}

/* Why the implementation of that name runs at no shape at all; NULL: it does at others than this one. */
static const char *runs_nowhere(const plan *p, const op *o, const char *name)
{
    for (int i = 0; o->impls[i]; i++) {
        const impl *m = o->impls[i];
        if (strcmp(m->name, name) != 0) continue;
        if (m->runs_on && !m->runs_on(ocl_device_of(p->o))) return "does not fit this device";
        return m->lacks ? m->lacks(p) : NULL;
    }
    return "does not fit this device"; /* auto: none does */
}

int plan_choose(plan *p, step *s)
{
    const ocl_section *section = s->op->section;
    const config *values = ocl_config_of(p->o);
    const char *precision = precision_word(p->precision);
    int tune[OCL_TUNABLES_MAX] = {0};
    choice c = {p, s, false};
    if (section ? config_values_at(values, section, precision, s->shape, choose, &c, tune) : choose(&c, NULL)) return 0;
    const char *word = section ? config_word_of(values, section, "impl", tune) : "auto";
    const char *why = runs_nowhere(p, s->op, word);
    c.any = true;
    if (!why && choose(&c, tune)) {
        strbuf text = {0};
        strbuf_printf(&text, "%s.impl = %s does not fit %s: %s there", s->op->name, word, plan_scope(p), s->impl->name);
        if (p->gave_way) strbuf_free(&text);
        else p->gave_way = text.s;
        return 0;
    }
    if (!strcmp(word, "auto"))
        return FAIL(SDCL_EDEVICE, "%s: no implementation of %s fits this device", plan_scope(p), s->op->name);
    char origin[ORIGIN_MAX];
    config_origin_at(values, section, precision, s->shape, "impl", origin, sizeof origin);
    int err = FAIL(SDCL_EUSAGE, "%s: %s: %s.impl = %s %s", plan_scope(p), origin, s->op->name, word,
                   why ? why : "does not fit this device");
    error_hint("--set %s.impl=auto", s->op->name);
    return err;
}

const char *plan_gave_way(const plan *p) { return p->gave_way; }
