/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/verbs.h"

static double mebibytes(uint64_t bytes) { return (double)bytes / (1 << 20); }

static void memory_json(const sdcl_device *d, const sdcl_job *job, const sdcl_memory *m)
{
    const struct {
        const char *name;
        uint64_t bytes;
    } rows[] = {
        {"text_weights", m->text_weights},
        {"text_arena", m->text_arena},
        {"unet_weights", m->unet_weights},
        {"unet_arena", m->unet_arena},
        {"vae_weights", m->vae_weights},
        {"vae_arena", m->vae_arena},
        {"io", m->io},
        {"peak", m->peak},
        {"budget", m->budget},
        {"device_bytes", d->global_bytes},
    };
    fputs("{\"device\":", stdout);
    json_quote(stdout, d->name);
    printf(",\"width\":%d,\"height\":%d,\"count\":%d", job->width, job->height, job->count);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf(",\"%s\":%llu", rows[i].name, (unsigned long long)rows[i].bytes);
    printf(",\"vae_tile\":%d,\"swapped\":%s}\n", m->vae_tile, m->swapped ? "true" : "false");
}

void report_memory(const options *o, const sdcl_device *d, const sdcl_job *job, const sdcl_memory *m)
{
    if (o->json) {
        memory_json(d, job, m);
        return;
    }
    printf("%dx%d, %d picture%s on %s\n", job->width, job->height, job->count, job->count == 1 ? "" : "s", d->name);
    printf("%-14s %12s %12s\n", "MiB", "weights", "arena");
    printf("%-14s %12.1f %12.1f\n", "text encoder", mebibytes(m->text_weights), mebibytes(m->text_arena));
    printf("%-14s %12.1f %12.1f\n", "unet", mebibytes(m->unet_weights), mebibytes(m->unet_arena));
    char vae[32] = "vae";
    if (m->vae_tile) snprintf(vae, sizeof vae, "vae, tiles %d", m->vae_tile);
    printf("%-14s %12.1f %12.1f\n", vae, mebibytes(m->vae_weights), mebibytes(m->vae_arena));
    printf("%-14s %12s %12.1f\n", "input, output", "", mebibytes(m->io));
    printf("%-14s %12.1f  of %.1f: %s\n", "peak", mebibytes(m->peak), mebibytes(m->budget),
           m->peak > m->budget ? "does not fit"
           : m->swapped        ? "fits, text encoder, UNet and VAE loaded in turn"
                               : "fits");
}
