/* SPDX-License-Identifier: MIT */
/* Where results go, looked at before the search: what cannot be written is said in the first second, and no file is replaced but one that tune wrote. */
#include "tune/tune.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const kinds[OUTPUTS] = {"new", "shipped", "probe"};

/* A process of another machine, or of another container, is not seen here: it is done with a file of this age. */
enum { ELSEWHERE_SECONDS = 3600 };

void output_beside(char *text, size_t size, const char *path, int which)
{
    snprintf(text, size, "%s.%ld.%s", path, (long)getpid(), kinds[which]);
}

/* "NAME.123.new": 123; 0: no such name. */
static int number_of(const char *entry, const char *name)
{
    size_t n = strlen(name);
    const char *end = NULL;
    if (strncmp(entry, name, n) != 0 || entry[n] != '.') return 0;
    int pid = process_number(entry + n + 1, &end);
    for (int i = 0; i < OUTPUTS; i++)
        if (pid && *end == '.' && !strcmp(end + 1, kinds[i])) return pid;
    return 0;
}

void output_clean(const char *path)
{
    char folder[PATH_MAX], left[2 * PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int length = slash ? (int)(slash - path) + 1 : 2;
    if ((size_t)snprintf(folder, sizeof folder, "%.*s", length, slash ? path : "./") >= sizeof folder) return;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (!process_is_gone(number_of(e->d_name, name))) continue;
        snprintf(left, sizeof left, "%s%s", folder, e->d_name);
        if (lstat(left, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) continue;
        if (st.st_mtime + ELSEWHERE_SECONDS < time(NULL)) unlink(left);
    }
    if (d) closedir(d);
}

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
    char probe[PATH_MAX + 32];
    const char *slash = strrchr(path, '/');
    output_beside(probe, sizeof probe, path, OUTPUT_PROBE);
    int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), cause = errno;
    if (fd >= 0) {
        close(fd);
        unlink(probe);
    }
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
