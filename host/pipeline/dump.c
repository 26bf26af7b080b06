/* SPDX-License-Identifier: MIT */
#include "pipeline/dump.h"

#include "base/error.h"
#include "base/strbuf.h"
#include "pipeline/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int dump_open(const char *folder)
{
    struct stat st;
    if (!folder) return 0;
    if (mkdir(folder, 0777) == 0) return 0;
    if (errno == EEXIST && stat(folder, &st) == 0 && S_ISDIR(st.st_mode)) return 0;
    return FAIL(SDCL_EOUTPUT, "%s: cannot make the folder: %s", folder, strerror(errno));
}

static int write_npy(const char *folder, const char *name, const char *type, const void *data, int rank,
                     const int *shape)
{
    int err = 0;
    size_t count = 1;
    FILE *f = NULL;
    strbuf path = {0}, temporary = {0}, header = {0};
    strbuf_printf(&path, "%s/%s.npy", folder, name);
    strbuf_printf(&temporary, "%s/.%s.npy.%d", folder, name, (int)getpid());
    strbuf_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (int i = 0; i < rank; i++) {
        strbuf_printf(&header, i + 1 < rank || rank == 1 ? "%d," : "%d", shape[i]);
        count *= (size_t)shape[i];
    }
    strbuf_puts(&header, "), }");
    while ((10 + header.n + 1) % 64) strbuf_puts(&header, " ");
    strbuf_puts(&header, "\n");
    if (path.failed || temporary.failed || header.failed) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    unsigned char prefix[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(header.n & 255), (unsigned char)(header.n >> 8)};
    /* Under another name until it is whole: a full disk leaves no half of a file. */
    f = fopen(strbuf_text(&temporary), "wb");
    bool ok = f && fwrite(prefix, sizeof prefix, 1, f) == 1 && fwrite(header.s, header.n, 1, f) == 1 &&
              (!count || fwrite(data, 4 * count, 1, f) == 1);
    int why = errno;
    if (f && fclose(f)) {
        if (ok) why = errno;
        ok = false;
    }
    if (ok && rename(strbuf_text(&temporary), strbuf_text(&path))) {
        why = errno;
        ok = false;
    }
    if (!ok) {
        err = FAIL(SDCL_EOUTPUT, "%s: cannot write: %s", strbuf_text(&path), strerror(why));
        if (f) unlink(strbuf_text(&temporary));
    }
out:
    strbuf_free(&path);
    strbuf_free(&temporary);
    strbuf_free(&header);
    return err;
}

int dump_f32(const char *folder, const char *name, const float *data, int rank, const int *shape)
{
    return folder ? write_npy(folder, name, "<f4", data, rank, shape) : 0;
}

int dump_i32(const char *folder, const char *name, const int32_t *data, int rank, const int *shape)
{
    return folder ? write_npy(folder, name, "<i4", data, rank, shape) : 0;
}

int dump_nchw(const char *folder, const char *name, const float *nhwc, int n, int h, int w, int c)
{
    if (!folder) return 0;
    float *nchw = malloc((size_t)n * (size_t)h * (size_t)w * (size_t)c * sizeof *nchw);
    if (!nchw) return FAIL(SDCL_ENOMEM, "out of memory");
    nhwc_to_nchw(nchw, nhwc, n, h * w, c);
    int err = dump_f32(folder, name, nchw, 4, (int[]){n, c, h, w});
    free(nchw);
    return err;
}
