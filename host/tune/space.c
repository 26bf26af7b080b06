/* SPDX-License-Identifier: MIT */
/* Spaces and their points. A space is found out, not declared: the key's step is lowered with each implementation, and the sections that it then depends on
 * (plan_use_section) are its axes. */
#include "tune/tune.h"

#include "base/error.h"
#include "base/strbuf.h"
#include "ops/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- finding them --- */

static bool read_axis(axis *a, const ocl_section *section, int index)
{
    bool numbers = true;
    *a = (axis){.section = section, .index = index};
    for (const char *s = section->tunables[index].choices; *(s += strspn(s, " "));) {
        size_t n = strcspn(s, " ");
        char *end;
        if (a->count == CHOICES_MAX || n >= sizeof a->word[0]) return false;
        memcpy(a->word[a->count], s, n);
        strtol(a->word[a->count], &end, 10);
        numbers = numbers && (!*end || (!a->count && !strcmp(a->word[0], "auto")));
        a->count++;
        s += n;
    }
    for (int i = 0; i < a->count; i++)
        a->value[i] = !numbers ? i : !strcmp(a->word[i], "auto") ? OCL_AUTO : atoi(a->word[i]);
    return true;
}

static bool has_section(const space *s, const ocl_section *section)
{
    for (int i = 0; i < s->axes; i++)
        if (s->axis[i].section == section) return true;
    return false;
}

/* Is a value, or an implementation, given by --set? Then it is what the user wants, and not searched. */
static bool is_pinned(const sdcl_params *p, const ocl_section *section, const char *key, dtype dt)
{
    for (int i = 0; i < p->set_count; i++) {
        const char *set = p->set[i], *equals = strchr(set, '='), *dot = equals;
        size_t n = strlen(section->name), length = strlen(key);
        while (dot && dot > set && *dot != '.') dot--;
        if (!dot || strncmp(set, section->name, n) != 0 || !strchr(". ", set[n])) continue;
        if (equals - dot - 1 != (ptrdiff_t)length || strncmp(dot + 1, key, length) != 0) continue;
        if (!strcmp(key, "impl") && !strcmp(equals + 1, "auto")) continue;
        const char *precision = set + n < dot && set[n] == '.' ? set + n + 1 : "";
        size_t word = strcspn(precision, " .");
        if (!word || (word == strlen(dtype_word(dt)) && !strncmp(precision, dtype_word(dt), word))) return true;
    }
    return false;
}

bool step_is_of(const step *s, const char *op) { return !strcmp(s->op->name, op) || !strcmp(op, "groupnorm"); }

typedef struct finding {
    const sdcl_params *params;
    space *s;
    const char *op;
    char impl[32]; /* what the op's step runs on */
    bool failed;
} finding;

static void find_axes(void *user, const plan *p, const step *step)
{
    finding *f = user;
    int values[AXES_MAX];
    if (!strcmp(step->op->name, f->op)) snprintf(f->impl, sizeof f->impl, "%s", step->impl->name);
    if (!step_is_of(step, f->op)) return;
    for (const ocl_section *const *u = step->uses; *u; u++) {
        dtype dt = step->read_at[u - step->uses];
        if (!(*u)->per_precision || has_section(f->s, *u) || (*u)->count > AXES_MAX ||
            !tune_fits(p, *u, dt, step->shape, values))
            continue;
        for (int i = 0; i < (*u)->count; i++) {
            axis *a = &f->s->axis[f->s->axes];
            if (!strcmp((*u)->tunables[i].name, "impl")) continue;
            if (f->s->axes == AXES_MAX || !read_axis(a, *u, i)) {
                f->failed = true;
                return;
            }
            a->shared = (*u)->per_precision != OCL_PER_SHAPE;
            a->dt = dt;
            a->pinned = is_pinned(f->params, *u, (*u)->tunables[i].name, dt) ||
                        !tunable_matters(ocl_device_of(plan_ocl(p)), &(*u)->tunables[i], dt);
            for (int c = 0; c < a->count; c++)
                if (a->value[c] == values[i]) f->s->now[f->s->axes] = (unsigned char)c;
            f->s->axes++;
        }
    }
}

/* Lowers a key's step in a configuration. impl: receives the implementation. */
static int look(const tuner *t, ocl *o, const tune_key *k, bool lenient, space *s, char impl[32])
{
    check_result r;
    check_key key = k->check;
    key.lenient = lenient;
    finding f = {.params = t->params, .s = s, .op = k->check.op->op};
    check_lower_key(o, &key, find_axes, &f, &r);
    if (f.failed) return FAIL(SDCL_EINTERNAL, "%s: more values than a search can hold", k->text);
    s->fits = r.ok;
    snprintf(s->why, sizeof s->why, "%s", r.why);
    snprintf(impl, 32, "%s", f.impl);
    return 0;
}

typedef struct world {
    config *values;
    ocl *o;
} world;

int open_to_lower(const tuner *t, bool shipped, const char *const *set, int count, config **values, ocl **o)
{
    int err = 0;
    if (shipped) TRY(config_open_shipped(values, ops_sections, &t->device.info, set, count));
    else TRY(config_open(values, ops_sections, &t->device.info, t->params->config_file, set, count));
    TRY(ocl_open(o, &t->device, *values, false));
    ocl_build_lazily(*o);
out:
    return err;
}

/* impl: that op is forced to, or "". shipped: without the user's files. */
static int open_world(const tuner *t, world *w, bool shipped, const char *op, const char *impl)
{
    int err = 0, n = t->params->set_count;
    char forced[3][96];
    const char **sets = calloc((size_t)n + 3, sizeof *sets);
    if (!sets) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < n; i++) sets[i] = t->params->set[i];
    for (int i = 0; i < 3 && *impl; i++) {
        static const dtype precisions[] = {F32, F16, BF16};
        snprintf(forced[i], sizeof forced[i], "%s.%s.impl=%s", op, dtype_word(precisions[i]), impl);
        sets[n++] = forced[i];
    }
    *w = (world){0};
    TRY(open_to_lower(t, shipped, sets, n, &w->values, &w->o));
out:
    free(sets);
    return err;
}

static void close_world(world *w)
{
    ocl_close(&w->o);
    config_close(&w->values);
}

static const ocl_section *op_section(const char *op)
{
    for (const ocl_section *const *s = ops_sections; *s; s++)
        if (!strcmp((*s)->name, op)) return *s;
    return NULL;
}

/* The names that [op] impl can have besides auto, one after the other; "" ends them. */
static void impl_names(const char *op, char names[SPACES_MAX][16])
{
    int n = 0;
    const ocl_section *s = op_section(op);
    memset(names, 0, SPACES_MAX * 16);
    for (int i = 0; s && i < s->count; i++) {
        if (strcmp(s->tunables[i].name, "impl") != 0) continue;
        for (const char *w = s->tunables[i].choices; *(w += strspn(w, " ")) && n + 1 < SPACES_MAX; w += strcspn(w, " "))
            if (strcspn(w, " ") < 16 && strncmp(w, "auto", 4) != 0) memcpy(names[n++], w, strcspn(w, " "));
    }
}

/* Which implementation and values key k has in a world: the next of its known candidates. */
static int note_known(tuner *t, ocl *o, tune_key *k, bool must_fit)
{
    int err = 0;
    char impl[32];
    space *s = calloc(1, sizeof *s);
    if (!s) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(look(t, o, k, true, s, impl));
    if (!s->fits && must_fit) {
        err = FAIL(SDCL_EUSAGE, "%s: %s", k->text, s->why);
        goto out;
    }
    for (int i = 0; s->fits && i < k->space_count; i++) {
        candidate *c = &k->known[k->known_count];
        if (*k->space[i].impl && strcmp(k->space[i].impl, impl) != 0) continue;
        if (k->space[i].axes != s->axes) continue;
        *c = (candidate){.space = i};
        memcpy(c->pick, s->now, (size_t)s->axes);
        if (!k->known_count || !(candidate_same(k, c, &k->known[0]) || candidate_twins(t, k, c, &k->known[0])))
            k->known_count++;
        break;
    }
out:
    free(s);
    return err;
}

/* The space of an implementation: its axes, the choices in force and the shipped ones. */
static int note_space(const tuner *t, ocl *o, tune_key *k, bool shipped, const char *name)
{
    int err = 0;
    char impl[32];
    space *s = calloc(1, sizeof *s), *to = &k->space[shipped ? k->space_count - 1 : k->space_count++];
    if (!s) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(look(t, o, k, false, s, impl));
    if (s->fits && *name && strcmp(impl, name) != 0) {
        s->fits = false;
        snprintf(s->why, sizeof s->why, "%s: always %s", k->text, impl);
    }
    if (!shipped) {
        *to = *s;
        memcpy(to->impl, name, sizeof to->impl);
    }
    memcpy(to->shipped, s->fits && s->axes == to->axes ? s->now : to->now, sizeof to->shipped);
out:
    free(s);
    return err;
}

/* Keys of an op, once for each of its implementations; one only where --set names it. */
static int spaces_of_op(tuner *t, const char *op)
{
    int err = 0;
    world w = {0};
    char names[SPACES_MAX][16];
    const ocl_section *section = op_section(op);
    impl_names(op, names);
    bool pinned = section && is_pinned(t->params, section, "impl", t->precision);
    for (int n = 0; !n || *names[n]; n++)
        for (int shipped = 0; shipped < 2; shipped++) {
            TRY(open_world(t, &w, shipped, op, names[n]));
            for (int i = 0; i < t->key_count; i++)
                if (!strcmp(t->key[i].check.op->op, op)) TRY(note_space(t, w.o, &t->key[i], shipped, names[n]));
            close_world(&w);
        }
    for (int shipped = 0; shipped < 2; shipped++) {
        TRY(open_world(t, &w, shipped, op, ""));
        for (int i = 0; i < t->key_count; i++)
            if (!strcmp(t->key[i].check.op->op, op)) TRY(note_known(t, w.o, &t->key[i], !shipped));
        close_world(&w);
    }
    for (int i = 0; pinned && i < t->key_count; i++)
        for (int n = 0; n < t->key[i].space_count && !strcmp(t->key[i].check.op->op, op); n++)
            t->key[i].space[n].excluded = t->key[i].known[0].space != n;
out:
    close_world(&w);
    return err;
}

int spaces_open(tuner *t)
{
    int err = 0;
    for (const check_keyed *const *o = check_keyed_ops; *o && !err; o++) {
        bool used = false;
        for (int i = 0; i < t->key_count; i++) used = used || t->key[i].check.op == *o;
        if (used) err = spaces_of_op(t, (*o)->op);
    }
    return err;
}

/* --- points --- */

bool candidate_same(const tune_key *k, const candidate *a, const candidate *b)
{
    return a->space == b->space && !memcmp(a->pick, b->pick, (size_t)k->space[a->space].axes);
}

/* The values of one section as a struct x_tune. */
static void section_values(const space *s, const candidate *c, const ocl_section *section, int *values)
{
    for (int i = 0; i < section->count; i++) values[i] = section->tunables[i].value;
    for (int i = 0; i < s->axes; i++)
        if (s->axis[i].section == section) values[s->axis[i].index] = s->axis[i].value[c->pick[i]];
}

bool candidate_fits(const tuner *t, const tune_key *k, const candidate *c, char *why, size_t size)
{
    const space *s = &k->space[c->space];
    const ocl_section *last = NULL;
    int values[AXES_MAX];
    if (!s->fits || s->excluded) {
        snprintf(why, size, "%s", s->fits ? "--set names another implementation" : s->why);
        return false;
    }
    for (int i = 0; i < s->axes; i++) {
        const ocl_section *section = s->axis[i].section;
        if (section == last) continue;
        last = section;
        section_values(s, c, section, values);
        if (section_fits(&t->device, section, k->shape, values)) continue;
        snprintf(why, size, "the values of [%s] do not fit the device", section->name);
        return false;
    }
    return true;
}

static bool add_set(char **sets, int *n, const char *section, const char *precision, const char *key, const char *word)
{
    return asprintf(&sets[(*n)++], "%s%s%s.%s=%s", section, *precision ? "." : "", precision, key, word) > 0;
}

char **candidate_sets(const tune_key *k, const candidate *c)
{
    const space *s = &k->space[c->space];
    int n = 0;
    char **sets = calloc((size_t)s->axes + 2, sizeof *sets);
    bool ok = sets != NULL;
    if (ok && *s->impl) ok = add_set(sets, &n, k->check.op->op, dtype_word(k->check.dt), "impl", s->impl);
    for (int i = 0; ok && i < s->axes; i++) {
        const axis *a = &s->axis[i];
        ok = add_set(sets, &n, a->section->name, a->shared ? "" : dtype_word(a->dt),
                     a->section->tunables[a->index].name, a->word[c->pick[i]]);
    }
    if (ok) return sets;
    if (sets) sets[n > 0 ? n - 1 : 0] = NULL;
    sets_free(sets);
    return NULL;
}

void sets_free(char **sets)
{
    for (int i = 0; sets && sets[i]; i++) free(sets[i]);
    free(sets);
}

void candidate_text(const tune_key *k, const candidate *c, char *text, size_t size)
{
    const space *s = &k->space[c->space];
    int n = snprintf(text, size, "%s", s->impl);
    for (int i = 0; i < s->axes && n >= 0 && (size_t)n < size; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%s=%s", n ? " " : "",
                      s->axis[i].section->tunables[s->axis[i].index].name, s->axis[i].word[c->pick[i]]);
}

bool candidate_like(const tune_key *k, const tune_key *other, const candidate *from, candidate *to)
{
    const space *here = &k->space[from->space], *there = &other->space[from->space];
    if (here->axes != there->axes || !here->fits) return false;
    for (int i = 0; i < here->axes; i++)
        if (here->axis[i].section != there->axis[i].section || here->axis[i].index != there->axis[i].index)
            return false;
    *to = *from;
    return true;
}
