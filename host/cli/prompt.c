/* SPDX-License-Identifier: MIT */
#include "cli/prompt.h"

#include "cli/message.h"
#include "cli/signals.h"
#include "cli/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int prompt_read(int fd, char **text)
{
    int err = 0;
    size_t n = 0;
    char *s = malloc(PROMPT_MAX + 1);
    if (!s) return cli_fail(SDCL_ENOMEM, "no memory for the prompt");
    for (ssize_t k = 1; k; n += (size_t)(k > 0 ? k : 0)) {
        if (signals_caught()) TRY(cli_fail(SDCL_EINTERRUPTED, "interrupted"));
        if (n > PROMPT_MAX)
            TRY(cli_fail(SDCL_EUSAGE, "the prompt on standard input is longer than %d bytes", PROMPT_MAX));
        k = read(fd, s + n, PROMPT_MAX + 1 - n);
        if (k < 0 && errno != EINTR)
            TRY(cli_fail(SDCL_EUSAGE, "cannot read the prompt from standard input: %s", strerror(errno)));
    }
    if (n && s[n - 1] == '\n') n--;
    s[n] = 0;
    if (strlen(s) != n || !utf8_valid(s))
        TRY(cli_fail(SDCL_EUSAGE, "the prompt on standard input is not valid UTF-8 text"));
    *text = s;
    s = NULL;
out:
    free(s);
    return err;
}
