/* SPDX-License-Identifier: MIT */
#include "cli/help.h"
#include "cli/message.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A standard descriptor that is closed would become the next file that is opened. In its place: one that refuses writes. */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd) _exit(1);
}

/* What a listing would still say, nobody wants whose reader went away: it ends as `ls` does. What works for minutes says how far it came. */
static void end_with_the_reader(const options *o)
{
    bool lists = o->verb == VERB_DEVICES || o->verb == VERB_INSPECT || o->verb == VERB_INFO || o->verb == VERB_CONFIG;
    if (o->help || o->version || lists) signal(SIGPIPE, SIG_DFL);
}

static int run(const options *o)
{
    static int (*const run_verb[VERB_COUNT])(const options *) = {
        [VERB_GEN] = cli_gen,           [VERB_DEVICES] = cli_devices, [VERB_INSPECT] = cli_inspect,
        [VERB_INFO] = cli_info,         [VERB_CONFIG] = cli_config,   [VERB_BENCH] = cli_bench,
        [VERB_SELFTEST] = cli_selftest, [VERB_TUNE] = cli_tune,
    };
    if (o->help) help_print(stdout, o->verb, !o->verb_given);
    else if (o->version) puts("sdcl " SDCL_VERSION);
    else return run_verb[o->verb](o);
    return 0;
}

int main(int argc, char **argv)
{
    options o;
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a reader that went away and a file size limit are failed writes */
    signal(SIGXFSZ, SIG_IGN);
    /* Not a verb for people: sdcl tune starts itself so, once for every candidate. */
    if (argc == 2 && !strcmp(argv[1], "tune-worker")) {
        int worked = cli_library(sdcl_tune_worker(STDIN_FILENO, STDOUT_FILENO));
        if (worked) cli_report(stderr);
        return sdcl_exit_code(worked);
    }
    int err = options_parse(&o, argc, argv);
    if (!err) {
        end_with_the_reader(&o);
        err = run(&o);
    }
    if (!err) err = cli_flush(stdout, "standard output");
    if (fclose(stdout) && !err) err = cli_fail(SDCL_EOUTPUT, "cannot write to standard output: %s", strerror(errno));
    if (err) cli_report(stderr);
    options_close(&o);
    return sdcl_exit_code(err);
}
