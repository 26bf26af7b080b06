/* SPDX-License-Identifier: MIT */
/* What processes found out about a device, for those after them: a file of the cache folder for each device with its driver, its platform and this version of
 * the program; a line an answer. Where there is no folder, nothing is kept. */
#ifndef SDCL_OCL_ANSWERS_H
#define SDCL_OCL_ANSWERS_H

#include "ocl/ocl.h"

/* Changes with the device, its driver, its platform and this program's version: what was found out about one of them says nothing about another. */
uint64_t ocl_device_sum(const ocl_device *d);

/* The answer to a question that was given `lead` times more often than any other, or -1. key: changes with all that the answer depends on besides. */
int answer_known(const ocl_device *d, uint64_t key, int lead);
/* Notes an answer, 0 to 63, once more. */
void answer_note(const ocl_device *d, uint64_t key, int answer);
/* Forgets what was found out about a device: it is asked anew. */
void answers_forget(const ocl_device *d);

#endif
