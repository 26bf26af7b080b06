/* SPDX-License-Identifier: MIT */
/* The keys: what a picture consists of, each distinct (op, storage, shape) once, with how often it runs. */
#include "tune/tune.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_OF_A_PICTURE = 20 };

const char *dtype_word(dtype dt) { return precision_word(dt); }

bool op_wanted(const char *only, const char *op)
{
    size_t n = strlen(op);
    for (const char *s = only; s && *s; s += strcspn(s, ","), s += *s == ',')
        if (strcspn(s, ",") == n && !strncmp(s, op, n)) return true;
    return !only;
}

void key_name(tune_key *k)
{
    char shape[96], types[16];
    const check_key *c = &k->check;
    int n = snprintf(types, sizeof types, "%s", dtype_word(c->dt));
    if (c->in != precision_storage(c->dt) || c->out != precision_storage(c->dt))
        snprintf(types + n, sizeof types - (size_t)n, ":%s:%s", dtype_word(c->in), dtype_word(c->out));
    n = snprintf(k->id, sizeof k->id, "%s %s %s", c->op->op, types, dtype_word(c->weights));
    for (int i = 0; i < c->op->values; i++) n += snprintf(k->id + n, sizeof k->id - (size_t)n, " %d", c->v[i]);
    c->op->describe(c->v, shape, sizeof shape);
    snprintf(k->text, sizeof k->text, "%s %s %s", c->op->op, shape, types);
}

static const check_keyed *keyed_op(const char *name)
{
    for (const check_keyed *const *o = check_keyed_ops; *o; o++)
        if (!strcmp((*o)->op, name)) return *o;
    return NULL;
}

static bool read_dtype(const char *word, dtype *dt)
{
    *dt = !strcmp(word, "f16") ? F16 : !strcmp(word, "bf16") ? BF16 : F32;
    return *dt != F32 || !strcmp(word, "f32");
}

/* "f16", or with the types of input and output, "f16:f32:f16". */
static bool read_types(char *word, check_key *key)
{
    char *in = strchr(word, ':'), *out = in ? strchr(in + 1, ':') : NULL;
    if (in) *in++ = 0;
    if (out) *out++ = 0;
    if (!read_dtype(word, &key->dt) || (in && !out)) return false;
    key->in = key->out = precision_storage(key->dt);
    return !in || (read_dtype(in, &key->in) && read_dtype(out, &key->out));
}

bool key_of_id(const char *id, check_key *key)
{
    char op[32], dt[16], weights[8];
    int used = 0;
    *key = (check_key){0};
    if (sscanf(id, "%31s %15s %7s%n", op, dt, weights, &used) != 3) return false;
    key->op = keyed_op(op);
    if (!key->op || !read_types(dt, key) || !read_dtype(weights, &key->weights)) return false;
    const char *s = id + used;
    for (int i = 0; i < key->op->values; i++) {
        char *end;
        errno = 0;
        long v = strtol(s, &end, 10);
        if (end == s || errno || v < (i < key->op->sizes) || v > 1 << 24) return false;
        key->v[i] = (int)v;
        s = end;
    }
    return !s[strspn(s, " \r\n")];
}

/* Keys of one op, shape and storage share their values; the first one stands for them all, or the one that has more to choose. */
static int add_key(tuner *t, const check_key *check, ocl_shape shape, double count, double flops)
{
    for (int i = 0; i < t->key_count; i++) {
        tune_key *k = &t->key[i];
        if (k->check.op == check->op && k->check.dt == check->dt && !memcmp(&k->shape, &shape, sizeof shape)) {
            k->count += count;
            if (check->op->stands_for && check->op->stands_for(check->v, k->check.v)) {
                k->check = *check;
                key_name(k);
            }
            return 0;
        }
    }
    tune_key *longer = realloc(t->key, ((size_t)t->key_count + 1) * sizeof *longer);
    if (!longer) return FAIL(SDCL_ENOMEM, "out of memory");
    t->key = longer;
    longer[t->key_count] = (tune_key){
        .check = *check, .shape = shape, .count = count, .gflop = flops * 1e-9, .best = -1};
    key_name(&longer[t->key_count]);
    longer[t->key_count].space = calloc(SPACES_MAX, sizeof(space));
    if (!longer[t->key_count].space) return FAIL(SDCL_ENOMEM, "out of memory");
    t->key_count++;
    return 0;
}

static int keys_of_plan(tuner *t, const plan *p, double times)
{
    int err = 0;
    for (int i = 0; p && i < plan_steps(p); i++) {
        const step *s = plan_step(p, i);
        check_key key;
        if (!op_wanted(t->job->only, s->op->name) || !check_key_of(p, s, &key)) continue;
        TRY(add_key(t, &key, s->shape, times, s->op->flops ? s->op->flops(s) : 0));
    }
out:
    return err;
}

int keys_of_session(tuner *t)
{
    int err = 0, factor = session_factor(t->session);
    static const uint64_t seeds[] = {1};
    sdcl_job j;
    sdcl_job_init(&j);
    j.width = t->job->width;
    j.height = t->job->height;
    j.seeds = seeds;
    TRY(sdcl_job_resolve(t->session, &j));
    TRY(passes_prepare(t->session, 1, true, j.height / factor, j.width / factor));
    const passes *x = &t->session->shape;
    TRY(keys_of_plan(t, x->unet[0].p, STEPS_OF_A_PICTURE * x->unet_turns));
    TRY(keys_of_plan(t, x->unet[1].p, STEPS_OF_A_PICTURE));
    TRY(keys_of_plan(t, x->vae, 1));
    TRY(keys_of_plan(t, x->text, 1));
    TRY(keys_of_plan(t, x->prologue, 1));
    TRY(keys_of_plan(t, x->time, 1));
out:
    return err;
}

typedef struct found_shape {
    const char *op;
    ocl_shape shape;
    double flops;
} found_shape;

static void note_shape(void *user, const plan *p, const step *s)
{
    found_shape *f = user;
    (void)p;
    if (strcmp(s->op->name, f->op) != 0) return;
    f->shape = s->shape;
    f->flops = s->op->flops ? s->op->flops(s) : 0;
}

/* A line: "20 gemm f32 f16 1 64 320 320 5 0": how often a picture runs the step, then its id. */
static int read_line(tuner *t, ocl *o, const char *path, int line, char *text)
{
    int used = 0;
    double count = 0;
    check_key key;
    check_result r;
    text[strcspn(text, "#\r\n")] = 0;
    if (!text[strspn(text, " \t")]) return 0;
    if (sscanf(text, "%lf %n", &count, &used) != 1 || !used || !(count > 0 && count < 1e9) ||
        !key_of_id(text + used, &key)) {
        int err = FAIL(SDCL_EUSAGE, "%s:%d: '%.80s' is no shape", path, line, text);
        error_hint("a line reads COUNT OP ACTIVATIONS WEIGHTS NUMBERS..., as docs/tuning.md explains");
        return err;
    }
    if (!op_wanted(t->job->only, key.op->op)) return 0;
    found_shape found = {.op = key.op->op};
    check_lower_key(o, &key, note_shape, &found, &r);
    if (!r.ok) return FAIL(SDCL_EUSAGE, "%s:%d: %s", path, line, r.why);
    return add_key(t, &key, found.shape, count, found.flops);
}

int keys_of_file(tuner *t, const char *path)
{
    int err = 0, line = 0;
    char text[512];
    config *values = NULL;
    ocl *o = NULL;
    FILE *f = fopen(path, "r");
    if (!f) {
        err = FAIL(SDCL_EUSAGE, "--shapes %s: %s", path, strerror(errno));
        error_hint("sd15, pocket, or a file with a shape a line");
        return err;
    }
    TRY(open_to_lower(t, false, t->params->set, t->params->set_count, &values, &o));
    while (fgets(text, sizeof text, f)) TRY(read_line(t, o, path, ++line, text));
    if (!t->key_count) err = FAIL(SDCL_EUSAGE, "%s: no shapes to tune", path);
out:
    ocl_close(&o);
    config_close(&values);
    fclose(f);
    return err;
}

void keys_free(tuner *t)
{
    for (int i = 0; i < t->key_count; i++) {
        free(t->key[i].space);
        free(t->key[i].trial);
        free(t->key[i].lowered);
    }
    free(t->key);
    t->key = NULL;
    t->key_count = 0;
}
