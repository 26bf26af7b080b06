/* SPDX-License-Identifier: MIT */
/* A request to a worker: the program once more, in a process of its own that may crash or hang. The request goes to its standard input and the reply comes
 * from its standard output, one JSON object each. */
#include "tune/tune.h"

#include "base/error.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { POLL_MS = 50, REPLY_MAX = 1 << 20 };

static const double TIMED_SECONDS = 0.06;

typedef struct child {
    pid_t pid;
    int in, out, errors; /* -1: closed. errors: a file in memory with its standard error */
} child;

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

/* The environment; scratch: with PoCL's cache in that folder, for hundreds of kernels that nobody will ask for again. */
static char **worker_environment(const char *scratch)
{
    int n = 0, kept = 0;
    while (environ[n]) n++;
    char **list = calloc((size_t)n + 2, sizeof *list);
    if (!list) return NULL;
    for (int i = 0; i < n; i++)
        if (!scratch || strncmp(environ[i], "POCL_CACHE_DIR=", 15) != 0) list[kept++] = environ[i];
    if (scratch && asprintf(&list[kept], "POCL_CACHE_DIR=%s", scratch) < 0) list[kept] = NULL;
    return list;
}

static void free_environment(const char *scratch, char **list)
{
    int n = 0;
    if (!list) return;
    while (list[n]) n++;
    if (scratch && n && !strncmp(list[n - 1], "POCL_CACHE_DIR=", 15)) free(list[n - 1]);
    free(list);
}

static int start(const tuner *t, const char *scratch, child *c)
{
    int err = 0, in[2] = {-1, -1}, out[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    char **environment = worker_environment(scratch);
    *c = (child){-1, -1, -1, -1};
    posix_spawn_file_actions_init(&actions);
    c->errors = memfd_create("errors", MFD_CLOEXEC);
    if (!environment || c->errors < 0 || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
        err = FAIL(SDCL_ENOMEM, "cannot start a process: %s", strerror(errno));
        goto out;
    }
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, c->errors, STDERR_FILENO);
    int code = posix_spawn(&c->pid, t->job->worker[0], &actions, NULL, (char *const *)(uintptr_t)t->job->worker,
                           environment);
    if (code) {
        err = FAIL(SDCL_EINTERNAL, "cannot start %s: %s", t->job->worker[0], strerror(code));
        goto out;
    }
    c->in = in[1];
    c->out = out[0];
    in[1] = out[0] = -1;
out:
    for (int i = 0; i < 2; i++) {
        close_fd(&in[i]);
        close_fd(&out[i]);
    }
    if (err) close_fd(&c->errors);
    posix_spawn_file_actions_destroy(&actions);
    free_environment(scratch, environment);
    return err;
}

static void write_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t k = write(fd, text, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return; /* it died: its status will say so */
        text += k;
        n -= (size_t)k;
    }
}

/* Until end of file. 1: it took too long; 2: the user wants to stop. */
static int read_reply(const tuner *t, int fd, double timeout, strbuf *reply)
{
    char block[4096];
    double end = seconds_now() + timeout;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (t->params->cancelled && t->params->cancelled(t->params->user)) return 2;
        if (seconds_now() > end || reply->n > REPLY_MAX) return 1;
        if (poll(&p, 1, POLL_MS) <= 0) continue;
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        strbuf_add(reply, block, (size_t)n);
    }
}

/* What it said last on standard error. */
static void last_words(int fd, char *text, size_t size)
{
    char tail[2048] = "";
    off_t end = lseek(fd, 0, SEEK_END), from = end > (off_t)sizeof tail ? end - (off_t)sizeof tail + 1 : 0;
    ssize_t n = pread(fd, tail, sizeof tail - 1, from);
    text[0] = 0;
    if (n <= 0) return;
    while (n && (tail[n - 1] == '\n' || tail[n - 1] == ' ')) n--;
    tail[n] = 0;
    const char *line = strrchr(tail, '\n');
    snprintf(text, size, ": %s", line ? line + 1 : tail);
}

int process_run(tuner *t, json_t *request, double timeout, json_t **reply, char *why, size_t size)
{
    int err = 0, status = 0, late = 0;
    child c = {-1, -1, -1, -1};
    strbuf text = {0};
    char words[120];
    char *line = json_dumps(request, JSON_COMPACT);
    *reply = NULL;
    why[0] = 0;
    if (!line) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    const char *kind = json_string_value(json_object_get(request, "kind"));
    TRY(start(t, kind && !strcmp(kind, "op") ? t->scratch : NULL, &c));
    write_all(c.in, line, strlen(line));
    close_fd(&c.in);
    late = read_reply(t, c.out, timeout, &text);
    if (late) kill(c.pid, SIGKILL);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {
    }
    last_words(c.errors, words, sizeof words);
    if (late == 2) TRY(FAIL(SDCL_EINTERRUPTED, "interrupted"));
    if (late) snprintf(why, size, "no result within %.0f s%s", timeout, words);
    else if (WIFSIGNALED(status)) snprintf(why, size, "crashed: %s%s", strsignal(WTERMSIG(status)), words);
    else {
        *reply = json_loads(strbuf_text(&text), 0, NULL);
        if (!*reply) snprintf(why, size, "the worker ended with status %d%s", WEXITSTATUS(status), words);
    }
out:
    close_fd(&c.in);
    close_fd(&c.out);
    close_fd(&c.errors);
    strbuf_free(&text);
    free(line);
    return err;
}

/* shipped: without the user's file and settings. */
static json_t *request_begin(const tuner *t, const char *kind, const char *config_file, bool shipped)
{
    json_t *r = json_object(), *sets = json_array();
    json_object_set_new(r, "kind", json_string(kind));
    json_object_set_new(r, "device", json_integer(t->device.info.index));
    json_object_set_new(r, "precision", json_string(dtype_word(t->precision)));
    if (config_file) json_object_set_new(r, "config", json_string(config_file));
    for (int i = 0; !shipped && i < t->params->set_count; i++)
        json_array_append_new(sets, json_string(t->params->set[i]));
    json_object_set_new(r, "set", sets);
    return r;
}

json_t *request_op(const tuner *t, const tune_key *k, const candidate *c, double give_up_ms)
{
    json_t *r = request_begin(t, "op", t->params->config_file, false);
    char **sets = candidate_sets(k, c);
    for (int i = 0; sets && sets[i]; i++) json_array_append_new(json_object_get(r, "set"), json_string(sets[i]));
    sets_free(sets);
    json_object_set_new(r, "key", json_string(k->id));
    json_object_set_new(r, "seconds", json_real(TIMED_SECONDS));
    json_object_set_new(r, "give_up_ms", json_real(give_up_ms));
    if (t->lock) json_object_set_new(r, "lock", json_string(t->lock));
    return r;
}

static json_t *request_session(const tuner *t, const char *kind, const char *config_file, bool shipped, int steps)
{
    json_t *r = request_begin(t, kind, config_file, shipped);
    if (t->params->model) json_object_set_new(r, "model", json_string(t->params->model));
    if (t->params->model_config) json_object_set_new(r, "model_config", json_string(t->params->model_config));
    json_object_set_new(r, "random_model", json_integer(t->params->random_model));
    json_object_set_new(r, "width", json_integer(t->job->width));
    json_object_set_new(r, "height", json_integer(t->job->height));
    json_object_set_new(r, "steps", json_integer(steps));
    return r;
}

json_t *request_picture(const tuner *t, const char *config_file, bool shipped, int steps, const char *file)
{
    json_t *r = request_session(t, "picture", config_file, shipped, steps);
    json_object_set_new(r, "file", json_string(file));
    return r;
}

json_t *request_model(const tuner *t, const char *config_file, int steps)
{
    json_t *r = request_session(t, "model", config_file, false, steps);
    if (t->lock) json_object_set_new(r, "lock", json_string(t->lock));
    return r;
}
