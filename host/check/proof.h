/* SPDX-License-Identifier: MIT */
/* Which kernels a device has been seen to compute rightly: asked before they make a picture for the first time, and remembered. */
#ifndef SDCL_CHECK_PROOF_H
#define SDCL_CHECK_PROOF_H

#include "check/check.h"

typedef struct proof proof;

/* Reads what is known of the ocl's device, driver and platform: ~/.cache/sdcl/proof-<hash>. No file, or no cache folder: nothing is. */
int proof_open(proof **p, ocl *o);
void proof_close(proof **p);

/* Notes the steps of a plan that is lowered whose implementation and kernels, by their source and options, are not known yet: the least work of each kind. */
int proof_collect(proof *p, const plan *from);
int proof_waiting(const proof *p);
/* Runs them against the references, each alone, and remembers those that are right. Needs memory on the device while it runs. SDCL_ERESULT names the first
 * that is wrong. */
int proof_run(proof *p);

#endif
