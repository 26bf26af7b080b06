/* SPDX-License-Identifier: MIT */
#include "cli/rescue.h"

#include "sdcl.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CRASHES = 3 };

static const int crashes[CRASHES] = {SIGABRT, SIGBUS, SIGSEGV};
static const char variable[] = "POCL_CACHE_DIR=", suffix[] = "-sdcl"; /* of the other cache's name */

/* Everything that the handler needs is made before: it may call next to nothing. */
static struct {
    char *const *argv;
    char **environment; /* of the second start; NULL: there is none */
    char *entry;        /* variable and value in that environment */
    char *message;
    size_t length; /* of message */
} plan;
static atomic_flag crashed = ATOMIC_FLAG_INIT;

static void on_crash(int number)
{
    (void)number;
    if (atomic_flag_test_and_set(&crashed))
        for (;;) pause(); /* another thread is at it */
    ssize_t written = write(STDERR_FILENO, plan.message, plan.length);
    (void)written;
    if (plan.environment) {
        sigset_t none;
        sigemptyset(&none);
        pthread_sigmask(SIG_SETMASK, &none, NULL);
        execve("/proc/self/exe", plan.argv, plan.environment);
    }
    _exit(sdcl_exit_code(SDCL_EDEVICE));
}

/* Where PoCL keeps kernels by itself. NULL without memory. */
static char *pocl_cache(void)
{
    const char *own = getenv("POCL_CACHE_DIR"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path;
    int n = own    ? asprintf(&path, "%s", own)
            : base ? asprintf(&path, "%s/pocl", base)
            : home ? asprintf(&path, "%s/.cache/pocl", home)
                   : asprintf(&path, "/tmp/pocl");
    return n < 0 ? NULL : path;
}

/* environ with plan.entry; NULL without memory. */
static char **changed_environment(void)
{
    size_t n = 0, k = 0;
    while (environ[n]) n++;
    char **changed = calloc(n + 2, sizeof *changed);
    if (!changed) return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], variable, sizeof variable - 1)) changed[k++] = environ[i];
    changed[k] = plan.entry;
    return changed;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

/* Asking for the devices also initialises the drivers: LLVM, inside PoCL, takes the signals when that happens, and ours have to come after. */
static bool pocl_present(void)
{
    sdcl_device *list = NULL;
    int count = 0;
    bool found = false;
    if (sdcl_devices(&list, &count)) return false;
    for (int i = 0; i < count; i++) found |= !strcmp(list[i].platform, "Portable Computing Language");
    sdcl_free(list);
    return found;
}

static void make_plan(char *const *argv)
{
    const char *line = isatty(STDERR_FILENO) ? "\r\033[K" : ""; /* takes a progress line away */
    char *cache = pocl_present() ? pocl_cache() : NULL;
    bool second = cache && ends_with(cache, suffix);
    plan.argv = argv;
    if (cache && !second && asprintf(&plan.entry, "%s%s%s", variable, cache, suffix) >= 0)
        plan.environment = changed_environment();
    const char *remedy = cache ? "a damaged cache of PoCL does this: rm -rf "
                               : "try another device; sdcl devices lists them";
    int n = asprintf(&plan.message, "%ssdcl: crashed%s, most likely in the OpenCL driver%s%s\nhint: %s%s\n", line,
                     second ? " again" : "", plan.environment ? "; once more, with " : "",
                     plan.environment ? plan.entry : "", remedy, cache ? cache : "");
    plan.length = n > 0 ? (size_t)n : 0;
    free(cache);
}

void rescue_begin(char *const *argv)
{
    struct sigaction ours = {.sa_handler = on_crash}, old[CRASHES];
    sigfillset(&ours.sa_mask);
    for (int i = 0; i < CRASHES; i++) sigaction(crashes[i], NULL, &old[i]);
    make_plan(argv);
    for (int i = 0; i < CRASHES; i++)
        if (old[i].sa_handler == SIG_DFL) sigaction(crashes[i], &ours, NULL);
}

void rescue_keep_prompt(const char *prompt)
{
    int fd = memfd_create("prompt", MFD_CLOEXEC);
    if (fd < 0) return;
    if (dprintf(fd, "%s\n", prompt) > 0 && !lseek(fd, 0, SEEK_SET)) dup2(fd, STDIN_FILENO);
    close(fd);
}

void rescue_end(void)
{
    struct sigaction old;
    for (int i = 0; i < CRASHES; i++)
        if (!sigaction(crashes[i], NULL, &old) && old.sa_handler == on_crash) signal(crashes[i], SIG_DFL);
    free((void *)plan.environment);
    free(plan.entry);
    free(plan.message);
    plan.environment = NULL;
    plan.entry = plan.message = NULL;
    plan.length = 0;
}
