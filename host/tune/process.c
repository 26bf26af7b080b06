/* SPDX-License-Identifier: MIT */
/* A request to a worker: the program once more, in a process of its own that may crash or hang. The request goes to its standard input, and replies come
 * from its standard output, a JSON object a line. */
#include "tune/tune.h"

#include "base/error.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { POLL_MS = 50, REPLY_MAX = 1 << 20, PATIENCE = 10 };

static const double TIMED_SECONDS = 0.04;

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
    posix_spawnattr_t attributes;
    sigset_t blocked;
    char **environment = worker_environment(scratch);
    *c = (child){-1, -1, -1, -1};
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    /* What a terminal sends to both is the tuner's business: a worker that died of it would look as if it had crashed. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGQUIT);
    sigaddset(&blocked, SIGHUP);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    c->errors = memfd_create("errors", MFD_CLOEXEC);
    if (!environment || c->errors < 0 || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
        err = FAIL(SDCL_ENOMEM, "cannot start a process: %s", strerror(errno));
        goto out;
    }
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, c->errors, STDERR_FILENO);
    int code = posix_spawn(&c->pid, t->job->worker[0], &actions, &attributes, (char *const *)(uintptr_t)t->job->worker,
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
    posix_spawnattr_destroy(&attributes);
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

/* Where a stream of lines stands. */
typedef struct stream {
    strbuf text; /* of the line that is not whole yet */
    reply_fn *each;
    void *user;
    double timeout;   /* seconds a line */
    double wall, cpu; /* when the present line began, by the clock and in seconds of the process's work */
    bool works;       /* what hangs works without end: on a CPU */
} stream;

/* Seconds of work of a process, all its threads; 0: unknown. */
static double work_of(pid_t pid)
{
    clockid_t clock;
    struct timespec spent;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent)) return 0;
    return (double)spent.tv_sec + 1e-9 * (double)spent.tv_nsec;
}

/* Is a line late? A process that has not been given the time is not, as long as that is the likelier reason. */
static bool is_late(const stream *s, const child *c)
{
    double wall = seconds_now() - s->wall;
    if (wall < s->timeout) return false;
    return !s->works || wall > PATIENCE * s->timeout || work_of(c->pid) - s->cpu > s->timeout;
}

enum { STREAM_END = 1, STREAM_LATE, STREAM_CANCELLED, STREAM_ENOUGH };

/* Hands over the lines that are whole. false: no more are wanted. */
static bool take_lines(stream *s, const child *c)
{
    size_t at = 0;
    bool more = true;
    for (const char *end; more && (end = memchr(strbuf_text(&s->text) + at, '\n', s->text.n - at));) {
        const char *line = s->text.s + at;
        json_t *reply = json_loadb(line, (size_t)(end - line), 0, NULL);
        at += (size_t)(end - line) + 1;
        if (reply) more = s->each(s->user, reply);
        json_decref(reply);
        s->wall = seconds_now();
        s->cpu = work_of(c->pid);
    }
    if (at) {
        memmove(s->text.s, s->text.s + at, s->text.n - at + 1);
        s->text.n -= at;
    }
    return more;
}

static int read_replies(const tuner *t, const child *c, stream *s)
{
    char block[4096];
    s->wall = seconds_now();
    for (;;) {
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        if (t->params->cancelled && t->params->cancelled(t->params->user)) return STREAM_CANCELLED;
        if (is_late(s, c) || s->text.n > REPLY_MAX) return STREAM_LATE;
        if (poll(&p, 1, POLL_MS) <= 0) continue;
        ssize_t n = read(c->out, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return STREAM_END;
        strbuf_add(&s->text, block, (size_t)n);
        if (!s->text.failed && !take_lines(s, c)) return STREAM_ENOUGH;
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

int process_run(tuner *t, const json_t *request, double timeout, reply_fn *each, void *user, char *why, size_t size)
{
    int err = 0, status = 0, end = 0;
    child c = {-1, -1, -1, -1};
    stream s = {.each = each, .user = user, .timeout = timeout, .works = !strcmp(t->device.info.type, "cpu")};
    char words[120];
    char *line = json_dumps(request, JSON_COMPACT);
    why[0] = 0;
    if (!line) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    const char *kind = json_string_value(json_object_get(request, "kind"));
    TRY(start(t, kind && !strcmp(kind, "ops") ? t->scratch : NULL, &c));
    write_all(c.in, line, strlen(line));
    close_fd(&c.in);
    end = read_replies(t, &c, &s);
    if (end != STREAM_END) kill(c.pid, SIGKILL);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {
    }
    last_words(c.errors, words, sizeof words);
    if (end == STREAM_CANCELLED) TRY(FAIL(SDCL_EINTERRUPTED, "interrupted"));
    if (end == STREAM_LATE) snprintf(why, size, "no result within %.0f s%s", timeout, words);
    else if (end == STREAM_END && WIFSIGNALED(status))
        snprintf(why, size, "crashed: %s%s", strsignal(WTERMSIG(status)), words);
    else if (end == STREAM_END && WEXITSTATUS(status))
        snprintf(why, size, "the worker ended with status %d%s", WEXITSTATUS(status), words);
out:
    close_fd(&c.in);
    close_fd(&c.out);
    close_fd(&c.errors);
    strbuf_free(&s.text);
    free(line);
    return err;
}

static bool keep_reply(void *user, const json_t *reply)
{
    json_t **kept = user;
    json_decref(*kept);
    *kept = json_deep_copy(reply);
    return true;
}

int process_ask(tuner *t, const json_t *request, double timeout, json_t **reply, char *why, size_t size)
{
    *reply = NULL;
    int err = process_run(t, request, timeout, keep_reply, reply, why, size);
    if (!err && !*reply && !*why) snprintf(why, size, "the worker gave no answer");
    return err;
}

static json_t *request_begin(const tuner *t, const char *kind, const char *config_file)
{
    json_t *r = json_object(), *sets = json_array();
    json_object_set_new(r, "kind", json_string(kind));
    json_object_set_new(r, "device", json_integer(t->device.info.index));
    json_object_set_new(r, "precision", json_string(dtype_word(t->precision)));
    if (config_file) json_object_set_new(r, "config", json_string(config_file));
    for (int i = 0; i < t->params->set_count; i++) json_array_append_new(sets, json_string(t->params->set[i]));
    json_object_set_new(r, "set", sets);
    if (t->lock) json_object_set_new(r, "lock", json_string(t->lock));
    return r;
}

json_t *request_batch(const tuner *t, const batch *b, int first)
{
    json_t *r = request_begin(t, "ops", b->kind == BATCH_FILE ? b->file : t->params->config_file), *keys = json_array();
    if (b->kind == BATCH_SHIPPED) json_object_set_new(r, "shipped", json_true());
    char **sets = b->kind == BATCH_CANDIDATE ? candidate_sets(b->key[first], &b->c[first]) : NULL;
    for (int i = 0; sets && sets[i]; i++) json_array_append_new(json_object_get(r, "set"), json_string(sets[i]));
    sets_free(sets);
    for (int i = first; i < b->count; i++)
        json_array_append_new(
            keys, json_pack("{s:s,s:f}", "key", b->key[i]->id, "give_up_ms", b->give_up * key_ms(b->key[i])));
    json_object_set_new(r, "keys", keys);
    json_object_set_new(r, "lenient", json_boolean(b->kind == BATCH_IN_FORCE || b->kind == BATCH_SHIPPED));
    json_object_set_new(r, "lead", json_boolean(b->lead && !first));
    json_object_set_new(r, "seconds", json_real(TIMED_SECONDS));
    return r;
}

static json_t *request_session(const tuner *t, const char *kind, const char *config_file, int steps)
{
    json_t *r = request_begin(t, kind, config_file);
    if (t->params->model) json_object_set_new(r, "model", json_string(t->params->model));
    if (t->params->model_config) json_object_set_new(r, "model_config", json_string(t->params->model_config));
    json_object_set_new(r, "random_model", json_integer(t->params->random_model));
    json_object_set_new(r, "width", json_integer(t->job->width));
    json_object_set_new(r, "height", json_integer(t->job->height));
    json_object_set_new(r, "steps", json_integer(steps));
    return r;
}

json_t *request_picture(const tuner *t, const char *config_file, int steps, const char *file)
{
    json_t *r = request_session(t, "picture", config_file, steps);
    json_object_set_new(r, "file", json_string(file));
    return r;
}

json_t *request_model(const tuner *t, const char *config_file, int steps)
{
    return request_session(t, "model", config_file, steps);
}

int process_number(const char *text, const char **end)
{
    int64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) number = number > INT_MAX ? number : number * 10 + (*text - '0');
    *end = text;
    return number > INT_MAX ? 0 : (int)number;
}

bool process_is_gone(int pid) { return pid > 0 && kill(pid, 0) && errno == ESRCH; }
