/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include "cli/message.h"
#include "cli/nearest.h"
#include "cli/utf8.h"
#include "cli/values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char bench_kinds[] = "model|ops";
static const char later_verbs[] = "serve";

/* A name or letter may mean one thing for a verb and another for the next: the verb's own comes first. */
static const option *find(verb_id v, const char *name, size_t n, char letter)
{
    const option *other = NULL;
    for (const option *d = option_table; d->name; d++) {
        if (letter ? d->letter != letter : strlen(d->name) != n || memcmp(d->name, name, n)) continue;
        if (d->verbs >> v & 1) return d;
        if (!other) other = d;
    }
    return other;
}

static int refuse_later(const char *what, const char *value)
{
    return cli_fail(SDCL_EUSAGE, "%s %s: not in this version (sdcl " SDCL_VERSION ")", what, value);
}

static int refuse_value(const option *d, const char *value, const char *expected)
{
    return cli_fail(SDCL_EUSAGE, "--%s %.60s: %s", d->name, *value ? value : "''", expected);
}

static int set_size(const option *d, const char *value, int *v)
{
    int pixels;
    if (!value_int(value, 1, SIZE_MAX_PIXELS, &pixels)) {
        refuse_value(d, value, "not a size in pixels");
        cli_hint("sizes are multiples of %d from %d to %d", SIZE_STEP, SIZE_STEP, SIZE_MAX_PIXELS);
        return SDCL_EUSAGE;
    }
    if (pixels % SIZE_STEP) {
        int below = pixels / SIZE_STEP * SIZE_STEP;
        refuse_value(d, value, "not a multiple of 8");
        if (below) cli_hint("--%s %d or --%s %d", d->name, below, d->name, below + SIZE_STEP);
        else cli_hint("--%s %d", d->name, SIZE_STEP);
        return SDCL_EUSAGE;
    }
    *v = pixels;
    return 0;
}

static int set_choice(const option *d, const char *value, const char **v)
{
    if (d->later && value_in_list(d->later, value)) {
        char spelling[32];
        snprintf(spelling, sizeof spelling, "--%s", d->name);
        return refuse_later(spelling, value);
    }
    if (!value_in_list(d->choices, value)) {
        refuse_value(d, value, "no such choice");
        cli_hint("--%s takes %s", d->name, d->choices);
        return SDCL_EUSAGE;
    }
    *v = value;
    return 0;
}

static int set_sampler(options *o, const option *d, const char *value)
{
    const char *schedule = NULL, *name = sdcl_sampler_canonical(value, &schedule);
    if (!name) {
        if (value_in_list(d->later, value)) return refuse_later("--sampler", value);
        nearest n;
        nearest_begin(&n, value);
        for (int i = 0; sdcl_sampler_name(i); i++) nearest_try(&n, sdcl_sampler_name(i));
        refuse_value(d, value, "unknown sampler");
        if (nearest_word(&n)) cli_hint("did you mean %s?", nearest_word(&n));
        else cli_hint("sdcl gen --help lists the samplers");
        return SDCL_EUSAGE;
    }
    o->sampler = value;
    o->job.sampler = name;
    o->sampler_schedule = schedule;
    return 0;
}

static int set_schedule(options *o, const option *d, const char *value)
{
    nearest n;
    nearest_begin(&n, value);
    for (int i = 0; sdcl_schedule_name(i); i++) {
        const char *name = sdcl_schedule_name(i), *a1111 = sdcl_schedule_a1111(name);
        if (!strcmp(value, name) || (a1111 && !strcasecmp(value, a1111))) {
            o->job.schedule = name;
            return 0;
        }
        nearest_try(&n, name);
    }
    refuse_value(d, value, "unknown schedule");
    if (nearest_word(&n)) cli_hint("did you mean %s?", nearest_word(&n));
    else cli_hint("sdcl gen --help lists the schedules");
    return SDCL_EUSAGE;
}

static int add_set(options *o, const option *d, const char *value)
{
    const char *equals = strchr(value, '='), *dot = equals ? memchr(value, '.', (size_t)(equals - value)) : NULL;
    if (!dot || dot == value || dot + 1 == equals) {
        refuse_value(d, value, "not of the form section.key=value");
        cli_hint("sdcl config prints sections and keys");
        return SDCL_EUSAGE;
    }
    size_t n = (size_t)o->params.set_count;
    const char **grown = realloc((void *)(uintptr_t)o->params.set, (n + 1) * sizeof *grown);
    if (!grown) return cli_fail(SDCL_ENOMEM, "no memory for the options");
    grown[n] = value;
    o->params.set = grown;
    o->params.set_count++;
    return 0;
}

static int set_number(const option *d, const char *value, void *at)
{
    bool whole = d->kind == OPTION_INT;
    if (whole ? value_int(value, (int)d->min, (int)d->max, at) : value_real(value, d->min, d->max, at)) return 0;
    refuse_value(d, value, whole ? "not a whole number in range" : "not a number in range");
    cli_hint("--%s takes %g to %g", d->name, d->min, d->max);
    return SDCL_EUSAGE;
}

static int set_amount(const option *d, const char *value, int *at)
{
    const char *word = d->choices;
    for (int i = 0; word; i++) {
        size_t n = strcspn(word, "|");
        if (strlen(value) == n && !strncmp(value, word, n)) {
            *at = -i;
            return 0;
        }
        word = word[n] ? word + n + 1 : NULL;
    }
    if (value_int(value, (int)d->min, (int)d->max, at)) return 0;
    refuse_value(d, value, "not a whole number in range");
    cli_hint("--%s takes %s, or %.10g to %.10g", d->name, d->choices, d->min, d->max);
    return SDCL_EUSAGE;
}

static int set_value(options *o, const option *d, const char *value)
{
    void *at = (char *)o + d->offset;
    if (value && !utf8_valid(value) && d->kind != OPTION_TEXT) return refuse_value(d, value, "not valid UTF-8");
    switch (d->kind) {
    case OPTION_FLAG: *(bool *)at = true; return 0;
    case OPTION_SWITCH: *(int *)at = (int)d->min; return 0;
    case OPTION_TEXT: *(const char **)at = value; return 0;
    case OPTION_INT:
    case OPTION_REAL: return set_number(d, value, at);
    case OPTION_AMOUNT: return set_amount(d, value, at);
    case OPTION_ETA: o->job.eta_set = 1; return set_number(d, value, at);
    case OPTION_SIZE: return set_size(d, value, at);
    case OPTION_TIME:
        if (value_time(value, at)) return 0;
        refuse_value(d, value, "not a time");
        cli_hint("--%s takes seconds, or a number with s, m or h: 90s, 10m", d->name);
        return SDCL_EUSAGE;
    case OPTION_CHOICE: return set_choice(d, value, at);
    case OPTION_SEEDS: return value_seeds(value, &o->seeds, &o->seed_count);
    case OPTION_SET: return add_set(o, d, value);
    case OPTION_SAMPLER: return set_sampler(o, d, value);
    case OPTION_SCHEDULE: return set_schedule(o, d, value);
    case OPTION_LATER: break;
    }
    return SDCL_EINTERNAL;
}

static int refuse_unknown_option(const options *o, const char *spelling)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(spelling, "="), spelling);
    nearest n;
    nearest_begin(&n, name);
    for (const option *d = option_table; d->name; d++)
        if (d->verbs >> o->verb & 1) nearest_try(&n, d->name);
    cli_fail(SDCL_EUSAGE, "unknown option --%s", name);
    if (nearest_word(&n)) cli_hint("did you mean --%s?", nearest_word(&n));
    else cli_hint("sdcl %s --help lists the options", verbs[o->verb].name);
    return SDCL_EUSAGE;
}

/* An option meets its value: attached to it, or the next argument. */
static int take_option(options *o, const option *d, const char *attached, char *const **next)
{
    if (d->kind == OPTION_LATER)
        return cli_fail(SDCL_EUSAGE, "--%s: not in this version (sdcl " SDCL_VERSION ")", d->name);
    if (!(d->verbs >> o->verb & 1)) {
        cli_fail(SDCL_EUSAGE, "--%s is no option of %s", d->name, verbs[o->verb].name);
        cli_hint("sdcl %s --help lists the options", verbs[o->verb].name);
        return SDCL_EUSAGE;
    }
    if (!d->argument) {
        if (attached) return cli_fail(SDCL_EUSAGE, "--%s takes no value", d->name);
        return set_value(o, d, NULL);
    }
    const char *value = attached ? attached : **next;
    if (!value) return cli_fail(SDCL_EUSAGE, "--%s needs a value: --%s %s", d->name, d->name, d->argument);
    if (!attached) ++*next;
    return set_value(o, d, value);
}

/* "-qfW512": flags may share a dash; the first letter with a value takes the rest. */
static int take_letters(options *o, const char *letters, char *const **next)
{
    for (; *letters; letters++) {
        const option *d = find(o->verb, NULL, 0, *letters);
        if (!d) {
            cli_fail(SDCL_EUSAGE, "unknown option -%c", *letters);
            cli_hint("sdcl %s --help lists the options", verbs[o->verb].name);
            return SDCL_EUSAGE;
        }
        if (d->argument) return take_option(o, d, letters[1] ? letters + 1 : NULL, next);
        int err = take_option(o, d, NULL, next);
        if (err) return err;
    }
    return 0;
}

static int take_operand(options *o, const char *word)
{
    const verb *v = &verbs[o->verb];
    if (v->operand && !o->operand) {
        o->operand = word;
        return 0;
    }
    cli_fail(SDCL_EUSAGE, "unexpected argument '%.60s'", word);
    if (o->verb == VERB_GEN) cli_hint("a prompt is given with -p and in quotes: sdcl -p \"a red fox\"");
    else cli_hint("usage: sdcl %s %s", v->name, v->operand ? v->operand : "[options]");
    return SDCL_EUSAGE;
}

/* The verb, if the first argument is one; a word that is neither verb nor option is refused. */
static int take_verb(options *o, char *const **next)
{
    const char *word = **next;
    if (!word || word[0] == '-') return 0;
    nearest n;
    nearest_begin(&n, word);
    for (int i = 0; i < VERB_COUNT; i++) {
        if (!strcmp(word, verbs[i].name)) {
            o->verb = (verb_id)i;
            o->verb_given = true;
            ++*next;
            return 0;
        }
        nearest_try(&n, verbs[i].name);
    }
    if (value_in_list(later_verbs, word)) return refuse_later("verb", word);
    cli_fail(SDCL_EUSAGE, "unknown verb '%.60s'", word);
    if (nearest_word(&n)) cli_hint("did you mean sdcl %s?", nearest_word(&n));
    else if (!strcmp(word, "help")) cli_hint("sdcl --help lists the verbs, sdcl VERB --help a verb's options");
    else cli_hint("a prompt is given with -p and in quotes: sdcl -p \"a red fox\"");
    return SDCL_EUSAGE;
}

/* What no single option can see. */
static int check_together(const options *o)
{
    if (verbs[o->verb].operand && !o->operand) {
        cli_fail(SDCL_EUSAGE, "%s needs an operand", verbs[o->verb].name);
        cli_hint("usage: sdcl %s %s", verbs[o->verb].name, verbs[o->verb].operand);
        return SDCL_EUSAGE;
    }
    if (o->verb == VERB_BENCH && !value_in_list(bench_kinds, o->operand)) {
        cli_fail(SDCL_EUSAGE, "bench %.60s: no such benchmark", o->operand);
        cli_hint("bench takes %s", bench_kinds);
        return SDCL_EUSAGE;
    }
    if (o->verb == VERB_BENCH && o->params.profile && strcmp(o->operand, "model"))
        return cli_fail(SDCL_EUSAGE, "--profile is for bench model: bench %s times every op alone", o->operand);
    if (o->verb != VERB_GEN) return 0;
    if (!o->job.prompt) {
        cli_fail(SDCL_EUSAGE, "no prompt given");
        cli_hint("sdcl -p \"a red fox\"; sdcl --help lists everything");
        return SDCL_EUSAGE;
    }
    if (!utf8_valid(o->job.prompt) || !utf8_valid(o->job.negative))
        return cli_fail(SDCL_EUSAGE, "the prompt is not valid UTF-8");
    if (o->seed_count > 1 && o->batch > 1) {
        cli_fail(SDCL_EUSAGE, "--batch %d with a list of %d seeds", o->batch, o->seed_count);
        cli_hint("give either the list or one seed and --batch");
        return SDCL_EUSAGE;
    }
    if (o->seed_count == 1 && !o->compat && o->seeds[0] > UINT64_MAX - (uint64_t)(o->batch - 1))
        return cli_fail(SDCL_EUSAGE, "--batch %d passes the last seed, 18446744073709551615", o->batch);
    if (o->output && !strcmp(o->output, "-") && o->json)
        return cli_fail(SDCL_EUSAGE, "--output - and --json both need standard output");
    return 0;
}

int options_parse(options *o, int argc, char *const *argv)
{
    int err = 0;
    *o = (options){.argv = argv, .batch = 1, .rng = "cpu", .progress = "auto"};
    sdcl_params_init(&o->params);
    sdcl_job_init(&o->job);
    sdcl_tune_job_init(&o->tune);
    o->job.prompt = NULL;
    o->job.negative = "";
    char *const *next = argv + (argc > 0);
    TRY(take_verb(o, &next));
    for (bool operands = false; *next && !o->help && !o->version;) {
        const char *word = *next++;
        if (operands || word[0] != '-' || !word[1]) {
            TRY(take_operand(o, word));
        } else if (word[1] != '-') {
            TRY(take_letters(o, word + 1, &next));
        } else if (!word[2]) {
            operands = true;
        } else {
            const char *equals = strchr(word, '=');
            size_t n = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
            const option *d = find(o->verb, word + 2, n, 0);
            if (d) TRY(take_option(o, d, equals ? equals + 1 : NULL, &next));
            else TRY(refuse_unknown_option(o, word + 2));
        }
    }
    if (!o->job.schedule) o->job.schedule = o->sampler_schedule;
    if (!o->help && !o->version) TRY(check_together(o));
out:
    return err;
}

void options_close(options *o)
{
    free(o->seeds);
    free((void *)(uintptr_t)o->params.set);
    *o = (options){0};
}
