/* SPDX-License-Identifier: MIT */
#ifndef SDCL_BASE_CACHE_FOLDER_H
#define SDCL_BASE_CACHE_FOLDER_H

/* $XDG_CACHE_HOME/sdcl, else ~/.cache/sdcl, made where it is missing, to be freed. NULL: there is none that only this user can write to; then nothing is
 * kept, which is never an error. */
char *cache_folder(void);

#endif
