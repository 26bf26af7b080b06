/* SPDX-License-Identifier: MIT */
#ifndef SDCL_BASE_CACHE_FOLDER_H
#define SDCL_BASE_CACHE_FOLDER_H

#include <stdbool.h>

/* $XDG_CACHE_HOME/sdcl, else ~/.cache/sdcl, made where it is missing, to be freed. NULL: there is none that only this user can write to; then nothing is
 * kept, which is never an error. */
char *cache_folder(void);
/* $XDG_DATA_HOME/sdcl/<within>, else ~/.local/share/sdcl/<within>, under the same conditions; made only where that is asked for. */
char *data_folder(const char *within, bool make);

#endif
