/* SPDX-License-Identifier: MIT */
#include "st_writer.h"

#include "scratch.h"
#include "sdcl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static scratch temporary;

int st_folder_make(void **state)
{
    (void)state;
    return scratch_open(&temporary) ? 0 : -1;
}

int st_folder_remove(void **state)
{
    (void)state;
    scratch_close(&temporary);
    return 0;
}

const char *st_path(const char *name)
{
    static char ring[8][512];
    static unsigned next;
    char *path = ring[next++ % 8];
    snprintf(path, sizeof ring[0], "%s/%s", temporary.folder, name);
    return path;
}

static void require(bool done, const char *path)
{
    if (done) return;
    perror(path);
    abort();
}

void st_write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    require(f && fwrite(bytes, 1, n, f) == n, path);
    require(!fclose(f), path);
}

unsigned char st_data(size_t i) { return (unsigned char)(i * 37 + (i >> 8)); }

void st_write_file(const char *path, const void *header, size_t header_bytes, size_t data_bytes)
{
    size_t n = 8 + header_bytes + data_bytes;
    unsigned char *file = malloc(n);
    require(file, path);
    for (size_t i = 0; i < 8; i++) file[i] = (unsigned char)((unsigned long long)header_bytes >> 8 * i);
    memcpy(file + 8, header, header_bytes);
    for (size_t i = 0; i < data_bytes; i++) file[8 + header_bytes + i] = st_data(i);
    st_write_bytes(path, file, n);
    free(file);
}

tensor_file *st_opened(const char *header, size_t header_bytes, size_t data_bytes)
{
    tensor_file *f = NULL;
    const char *path = st_path("valid.safetensors");
    st_write_file(path, header, header_bytes, data_bytes);
    if (tensor_file_open(&f, path)) fail_msg("%s", sdcl_last_error());
    return f;
}

void st_assert_refused(const char *path, const char *says)
{
    tensor_file *f = NULL;
    clock_t start = clock();
    int err = tensor_file_open(&f, path);
    clock_t spent = clock() - start;
    bool handle = f != NULL;
    tensor_file_close(&f);
    const char *message = sdcl_last_error();
    if (err != SDCL_EMODEL) fail_msg("%s: returned %d, expected SDCL_EMODEL", path, err);
    assert_false(handle);
    assert_int_equal(sdcl_exit_code(err), 3);
    if (!strstr(message, path)) fail_msg("message does not name %s: %s", path, message);
    if (!strstr(message, says)) fail_msg("message does not say \"%s\": %s", says, message);
    for (const unsigned char *c = (const unsigned char *)message; *c; c++)
        if (*c < 0x20 || *c >= 0x7f) fail_msg("byte 0x%02x in: %s", *c, message);
    if (spent > CLOCKS_PER_SEC) fail_msg("took %.1f s", (double)spent / CLOCKS_PER_SEC);
}
