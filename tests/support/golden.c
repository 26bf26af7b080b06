/* SPDX-License-Identifier: MIT */
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINGLE_FILE = 1 }; /* cases that are not in the files */

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *j = json_load_file(path, 0, &error);
    if (j) return j;
    fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    exit(EXIT_FAILURE);
}

static const char *text(const json_t *args, const char *key) { return json_string_value(json_object_get(args, key)); }

static int integer(const json_t *args, const char *key, int missing)
{
    const json_t *value = json_object_get(args, key);
    return value ? (int)json_integer_value(value) : missing;
}

static sdcl_job job_of(const json_t *args)
{
    sdcl_job j;
    sdcl_job_init(&j);
    j.compat = SDCL_COMPAT_DIFFUSERS;
    j.prompt = text(args, "prompt");
    j.negative = text(args, "negative");
    j.width = integer(args, "width", 0);
    j.height = integer(args, "height", 0);
    j.steps = integer(args, "steps", 0);
    j.count = integer(args, "batch", 1);
    j.sampler = text(args, "sampler");
    j.schedule = text(args, "schedule") ? text(args, "schedule") : "default";
    j.cfg_scale = json_number_value(json_object_get(args, "cfg"));
    j.eta = json_number_value(json_object_get(args, "eta"));
    j.eta_set = json_object_get(args, "eta") != NULL;
    return j;
}

/* Those of the README, or ten times what float32 runs of the reference differ by among themselves. */
static golden_bounds bounds_of(const json_t *floor_of_case)
{
    golden_bounds b = {.eps_nmse = 1e-9, .latent_nmse = 1e-8, .psnr = 85};
    if (!floor_of_case) return b;
    b.eps_nmse = fmax(b.eps_nmse, 10 * json_number_value(json_object_get(floor_of_case, "eps_000")));
    b.latent_nmse = fmax(b.latent_nmse, 10 * json_number_value(json_object_get(floor_of_case, "latent")));
    b.psnr = fmin(b.psnr, json_number_value(json_object_get(floor_of_case, "psnr")) - 10);
    return b;
}

static void add(golden_list *l, const json_t *entry, const char *folder, const char *model, const json_t *floors)
{
    const json_t *args = json_object_get(entry, "args");
    const char *name = text(entry, "name");
    golden_case c = {.job = job_of(args), .bounds = bounds_of(json_object_get(floors, name))};
    snprintf(c.name, sizeof c.name, "%s", name);
    snprintf(c.folder, sizeof c.folder, "%s/%s", folder, name);
    snprintf(c.model, sizeof c.model, "%s", model);
    if (access(c.folder, F_OK)) return;
    if (c.job.count < 1 || c.job.count > GOLDEN_BATCH_MAX || !c.job.prompt || !c.job.negative || !c.job.sampler) {
        fprintf(stderr, "case %s: malformed\n", name);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < c.job.count; i++) c.seeds[i] = (uint64_t)json_integer_value(json_object_get(args, "seed"));
    l->cases[l->count++] = c;
}

const golden_case *golden_find(const golden_list *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->cases[i].name, name)) return &l->cases[i];
    return NULL;
}

/* The numbers of tiny-a are also there as one CompVis file: the same case once more. */
static void add_single_file(golden_list *l)
{
    const golden_case *folder = golden_find(l, "stages-a");
    if (!folder) return;
    golden_case c = *folder;
    snprintf(c.name, sizeof c.name, "single-file-a");
    snprintf(c.model, sizeof c.model, "tests/golden/tiny-a.safetensors");
    c.model_config = "tests/golden/tiny-a";
    l->cases[l->count++] = c;
}

void golden_open(golden_list *l)
{
    size_t i;
    json_t *entry, *floors = load("tests/golden/floor.json");
    json_t *tiny = load("tests/golden/cases.json"), *pocket = load("tests/golden/pocket/cases.json");
    *l = (golden_list){.json = json_pack("[o,o]", tiny, pocket)};
    l->cases = calloc(json_array_size(tiny) + json_array_size(pocket) + SINGLE_FILE, sizeof *l->cases);
    if (!l->json || !l->cases) abort();
    json_array_foreach(tiny, i, entry)
    {
        char model[64];
        snprintf(model, sizeof model, "tests/golden/%s", text(entry, "model"));
        add(l, entry, "tests/golden/dump", model, floors);
    }
    json_array_foreach(pocket, i, entry) add(l, entry, "tests/golden/pocket", "models/pocket", NULL);
    json_decref(floors);
    add_single_file(l);
    for (int k = 0; k < l->count; k++) l->cases[k].job.seeds = l->cases[k].seeds;
}

void golden_close(golden_list *l)
{
    free(l->cases);
    json_decref(l->json);
    *l = (golden_list){0};
}
