/* SPDX-License-Identifier: MIT */
#include "cli/signals.h"

#include <signal.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    (void)number;
    caught = 1;
}

void signals_install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool signals_caught(void) { return caught; }

int signals_cancelled(void *unused)
{
    (void)unused;
    return caught;
}
