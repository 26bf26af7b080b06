/* SPDX-License-Identifier: MIT */
#include "io/checksums.h"

#include "base/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

typedef struct range {
    uint64_t offset, bytes;
    uint64_t done; /* bytes from the start that have passed */
    uint32_t crc, running;
} range;

struct checksums {
    pthread_mutex_t lock; /* of done and running */
    int count;
    range range[];
};

int checksums_new(checksums **c, int n)
{
    *c = calloc(1, sizeof **c + (size_t)n * sizeof(range));
    if (!*c) return FAIL(SDCL_ENOMEM, "out of memory");
    pthread_mutex_init(&(*c)->lock, NULL);
    return 0;
}

void checksums_free(checksums **c)
{
    if (!*c) return;
    pthread_mutex_destroy(&(*c)->lock);
    free(*c);
    *c = NULL;
}

void checksums_add(checksums *c, uint64_t offset, uint64_t bytes, uint32_t crc)
{
    c->range[c->count++] = (range){.offset = offset, .bytes = bytes, .crc = crc};
}

/* The last range that begins at offset or before it; NULL: none. */
static range *find(const checksums *c, uint64_t offset)
{
    int low = 0, high = c->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (c->range[middle].offset <= offset) low = middle + 1;
        else high = middle;
    }
    return low ? (range *)&c->range[low - 1] : NULL;
}

int checksums_feed(checksums *c, uint64_t offset, uint64_t n, const void *bytes)
{
    range *r = find(c, offset);
    int err = 0;
    if (!r || n > r->bytes || offset - r->offset > r->bytes - n) return 0;
    const uint64_t at = offset - r->offset;
    pthread_mutex_lock(&c->lock);
    if (!at) {
        r->running = 0;
        r->done = 0;
    }
    if (at == r->done) {
        r->running = (uint32_t)crc32_z(r->running, bytes, (size_t)n);
        r->done += n;
        if (r->done == r->bytes && r->running != r->crc)
            err = FAIL(SDCL_EMODEL, "the checksum of the %llu bytes at %llu is wrong: the file is damaged",
                       (unsigned long long)r->bytes, (unsigned long long)r->offset);
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

int checksums_range(const checksums *c, uint64_t offset, uint64_t *begin, uint64_t *bytes)
{
    const range *r = find(c, offset);
    if (!r || offset - r->offset >= r->bytes) return 0;
    *begin = r->offset;
    *bytes = r->bytes;
    return 1;
}
