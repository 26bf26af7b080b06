/* SPDX-License-Identifier: MIT */
#include "cli/infotext.h"

#include "cli/json.h"

#include <stdlib.h>
#include <string.h>

/* Readers split at commas and colons: a value that has one is quoted. */
static void print_value(FILE *f, const char *value)
{
    if (strpbrk(value, ",:\n")) json_quote(f, value);
    else fputs(value, f);
}

/* The last part of a path, where it ends before any slashes at the end. */
static char *last_part(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin && path[begin - 1] != '/') begin--;
    return strndup(path + begin, end - begin);
}

static void print_file(FILE *f, const char *path)
{
    char *name = last_part(path);
    if (name) print_value(f, name);
    free(name);
}

/* A model's name: without the extension of a single file. A1111 leaves that of a VAE. */
static void print_model(FILE *f, const char *path)
{
    char *name = last_part(path), *dot = name ? strrchr(name, '.') : NULL;
    if (dot && dot != name && (!strcmp(dot, ".safetensors") || !strcmp(dot, ".ckpt"))) *dot = 0;
    if (name) print_value(f, name);
    free(name);
}

char *infotext(const sdcl_job *job, const sdcl_image *image, const char *model, const char *hash, const char *vae,
               const char *vae_hash)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    const char *sampler = sdcl_sampler_a1111(image->sampler), *schedule = sdcl_schedule_a1111(image->schedule);
    if (*job->prompt) fprintf(f, "%s\n", job->prompt);
    if (*job->negative) fprintf(f, "Negative prompt: %s\n", job->negative);
    fprintf(f, "Steps: %d, Sampler: ", image->steps);
    print_value(f, sampler ? sampler : image->sampler);
    fputs(", Schedule type: ", f);
    print_value(f, schedule ? schedule : image->schedule);
    fputs(", CFG scale: ", f);
    json_number(f, image->cfg_scale);
    fprintf(f, ", Seed: %llu, Size: %dx%d", (unsigned long long)image->seed, image->width, image->height);
    if (*hash) fprintf(f, ", Model hash: %s", hash);
    fputs(", Model: ", f);
    print_model(f, model);
    if (vae) {
        if (*vae_hash) fprintf(f, ", VAE hash: %s", vae_hash);
        fputs(", VAE: ", f);
        print_file(f, vae);
    }
    fputs(", RNG: CPU", f);
    if (job->eta_set && job->eta > 0) {
        fputs(strcmp(image->sampler, "ddim") ? ", Eta: " : ", Eta DDIM: ", f);
        json_number(f, job->eta);
    }
    if (image->nan_retries) fprintf(f, ", NaN retries: %d", image->nan_retries);
    fputs(", Version: sdcl " SDCL_VERSION, f);
    if (!fclose(f)) return text;
    free(text);
    return NULL;
}
