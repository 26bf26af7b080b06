/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/verbs.h"

#include <string.h>

static void print_text(const sdcl_model_info *m)
{
    printf("type        %s\nformat      %s\nsize        %dx%d\nprediction  %s\nscheduler   %s\n", m->type, m->format,
           m->size, m->size, m->prediction, m->scheduler);
    if (!strcmp(m->ema, "used")) puts("ema         used");
    if (!strcmp(m->ema, "unused")) puts("ema         there, not used: --ema on takes it");
    putchar('\n');
    printf("%-14s %-6s %8s %14s %14s\n", "part", "dtype", "tensors", "parameters", "bytes");
    for (int i = 0; i < m->part_count; i++) {
        const sdcl_model_part *p = &m->parts[i];
        printf("%-14s %-6s %8d %14llu %14llu\n", p->name, p->dtype, p->tensors, (unsigned long long)p->parameters,
               (unsigned long long)p->bytes);
    }
}

static void print_json(const char *model, const sdcl_model_info *m)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"model", model},
                 {"type", m->type},
                 {"format", m->format},
                 {"prediction", m->prediction},
                 {"scheduler", m->scheduler},
                 {"ema", m->ema}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf("%s\"%s\":", i ? "," : "{", texts[i].key);
        json_quote(stdout, texts[i].value);
    }
    printf(",\"size\":%d,\"parts\":[", m->size);
    for (int i = 0; i < m->part_count; i++) {
        const sdcl_model_part *p = &m->parts[i];
        fputs(i ? ",{\"name\":" : "{\"name\":", stdout);
        json_quote(stdout, p->name);
        fputs(",\"dtype\":", stdout);
        json_quote(stdout, p->dtype);
        printf(",\"tensors\":%d,\"parameters\":%llu,\"bytes\":%llu}", p->tensors, (unsigned long long)p->parameters,
               (unsigned long long)p->bytes);
    }
    puts("]}");
}

int cli_inspect(const options *o)
{
    sdcl_model_info info = {0};
    sdcl_params params = o->params;
    params.model = o->operand;
    int err = cli_library(sdcl_inspect(&params, &info));
    if (err) return err;
    if (o->json) print_json(o->operand, &info);
    else print_text(&info);
    return 0;
}
