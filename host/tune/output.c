/* SPDX-License-Identifier: MIT */
/* Where results go, looked at before the search: what cannot be written is said in the first second, and no file is replaced but one that tune wrote. */
#include "tune/tune.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Does the file begin as tune's own do, or is it empty? */
static bool is_ours(const char *path)
{
    char text[1024];
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return !n || !strncmp(text, "[tuned]", 7) || strstr(text, "\n[tuned]");
}

/* Can a file be made beside path? It is gone again. */
static int check_folder(const char *path)
{
    char *probe;
    const char *slash = strrchr(path, '/');
    if (asprintf(&probe, "%s.%ld.probe", path, (long)getpid()) < 0) return FAIL(SDCL_ENOMEM, "out of memory");
    int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), cause = errno;
    if (fd >= 0) {
        close(fd);
        unlink(probe);
    }
    free(probe);
    if (fd >= 0) return 0;
    return FAIL(SDCL_EOUTPUT, "cannot create files in %.*s: %s", slash ? (int)(slash - path) + 1 : 1,
                slash ? path : ".", strerror(cause));
}

int output_open(const char *given, char *path, size_t size)
{
    int err = 0;
    struct stat st;
    char *real = NULL;
    if (!*given) return FAIL(SDCL_EUSAGE, "--output '': no name");
    if (!lstat(given, &st)) { /* a link stays, and what it leads to is replaced */
        real = realpath(given, NULL);
        if (!real || stat(real, &st)) TRY(FAIL(SDCL_EOUTPUT, "cannot write %s: %s", given, strerror(errno)));
        if (S_ISDIR(st.st_mode)) TRY(FAIL(SDCL_EOUTPUT, "%s is a folder", given));
        if (!S_ISREG(st.st_mode)) TRY(FAIL(SDCL_EOUTPUT, "%s is no regular file", given));
        if (!is_ours(real)) {
            err = FAIL(SDCL_EOUTPUT, "%s exists, and tune did not write it", given);
            error_hint("give another name; tune replaces its own files alone");
            goto out;
        }
        lstat(given, &st);
    }
    const char *name = real && S_ISLNK(st.st_mode) ? real : given;
    if ((size_t)snprintf(path, size, "%s", name) >= size) TRY(FAIL(SDCL_EOUTPUT, "%.100s...: too long", given));
    TRY(check_folder(path));
out:
    free(real);
    return err;
}

int report_open(const char *folder)
{
    int err = 0;
    char *path = NULL;
    if (!*folder) return FAIL(SDCL_EUSAGE, "--report '': no name");
    if (mkdir(folder, 0777) && errno != EEXIST)
        return FAIL(SDCL_EOUTPUT, "cannot make the folder %s: %s", folder, strerror(errno));
    if (asprintf(&path, "%s/index.html", folder) < 0) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(check_folder(path));
out:
    free(path);
    return err;
}
