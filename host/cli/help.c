/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80, INDENT = 27 };

/* Prints text from column `column` on, filled between INDENT and WIDTH. */
static void fill(FILE *f, int column, const char *text)
{
    if (column >= INDENT) {
        fputc('\n', f);
        column = 0;
    }
    fprintf(f, "%*s", INDENT - column, "");
    column = INDENT;
    for (size_t n; *text; text += n) {
        text += strspn(text, " ");
        n = strcspn(text, " ");
        if (column > INDENT && column + 1 + (int)n > WIDTH) {
            fprintf(f, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            fputc(' ', f);
            column++;
        }
        fwrite(text, 1, n, f);
        column += (int)n;
    }
    fputc('\n', f);
}

static void print_names(FILE *f, const char *(*name)(int))
{
    for (int i = 0; name(i); i++) fprintf(f, i ? " %s" : ": %s", name(i));
}

static void print_option(FILE *f, const option *d)
{
    int column = fprintf(f, d->letter ? "  -%c, " : "      ", d->letter);
    column += fprintf(f, d->argument ? "--%s %s" : "--%s", d->name, d->argument);
    char *text = NULL;
    size_t n = 0;
    FILE *t = open_memstream(&text, &n);
    if (!t) return;
    fputs(d->help, t);
    if (d->kind == OPTION_SAMPLER) print_names(t, sdcl_sampler_name);
    if (d->kind == OPTION_SCHEDULE) print_names(t, sdcl_schedule_name);
    if (d->choices) fprintf(t, ": %s", d->choices);
    if (d->kind != OPTION_SWITCH && d->max > d->min) fprintf(t, "; %.10g to %.10g", d->min, d->max);
    if (d->kind == OPTION_SIZE) fprintf(t, " in steps of %d", SIZE_STEP);
    fclose(t);
    fill(f, column, text);
    free(text);
}

void help_print(FILE *f, verb_id v, bool whole)
{
    const char *operand = verbs[v].operand;
    fprintf(f, "usage: sdcl %s%s%s%s [options]\n", whole ? "[gen]" : verbs[v].name, v == VERB_GEN ? " -p TEXT" : "",
            operand ? " " : "", operand ? operand : "");
    if (whole) {
        fputs("       sdcl VERB --help\n\nVerbs:\n", f);
        for (int i = 0; i < VERB_COUNT; i++) {
            int column = fprintf(f, "  %s%s%s", verbs[i].name, verbs[i].operand ? " " : "",
                                 verbs[i].operand ? verbs[i].operand : "");
            fill(f, column, verbs[i].summary);
        }
    } else {
        fprintf(f, "\n%s\n", verbs[v].summary);
    }
    fputs("\nOptions:\n", f);
    for (const option *d = option_table; d->name; d++)
        if (d->verbs >> v & 1 && d->kind != OPTION_LATER) print_option(f, d);
    if (!whole) return;
    fputs("\nExit codes:\n  0    done\n", f);
#define EXIT_LINE(name, value, exit_code, text) fprintf(f, "  %-3d  %s\n", exit_code, text);
    SDCL_STATUS(EXIT_LINE)
#undef EXIT_LINE
}
