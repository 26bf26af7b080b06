/* SPDX-License-Identifier: MIT */
#include "io/container.h"

#include "base/error.h"
#include "base/printable.h"

#include <string.h>

enum { NAME_LENGTH_MAX = 1024 };

int container_check_name(const char *name)
{
    char shown[PRINTABLE_MAX];
    if (!*name) return FAIL(SDCL_EMODEL, "a tensor has an empty name");
    if (strlen(name) > NAME_LENGTH_MAX)
        return FAIL(SDCL_EMODEL, "tensor \"%s\": name of %zu bytes, expected at most %d", printable(shown, name),
                    strlen(name), NAME_LENGTH_MAX);
    if (has_control(name))
        return FAIL(SDCL_EMODEL, "tensor \"%s\": control characters in its name", printable(shown, name));
    return 0;
}
