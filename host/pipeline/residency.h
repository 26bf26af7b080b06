/* SPDX-License-Identifier: MIT */
/* A job has three phases: text encoder, UNet (with the sampler and the keys and values of its prompt), VAE. Their plans never run at the same time, so they
 * share the memory of their activations. What of them is on the device when is one of three modes; pictures are the same in each. */
#ifndef SDCL_PIPELINE_RESIDENCY_H
#define SDCL_PIPELINE_RESIDENCY_H

#include "pipeline/session.h"

/* The session's budget: bytes, or 0 for what the device has free. */
void residency_open(sdcl *s, uint64_t budget);

/* Bytes of weights and of activations of a phase with the plans that are built. */
uint64_t residency_weights(const sdcl *s, phase p);
uint64_t residency_arena(const sdcl *s, phase p);
/* What a job allocates at most, weights, activations, inputs and outputs. */
uint64_t residency_peak(const sdcl *s, residency_mode mode);
/* Does a phase alone fit into the budget? */
bool residency_fits(const sdcl *s, phase p);

/* The mode for a batch, once its plans are built: HOLD_ALL for HOLD_NEEDED where that is little; HOLD_PHASE where the wanted one does not fit. SDCL_ENOMEM:
 * the user's budget is too small for one of the phases. */
int residency_decide(sdcl *s, residency_mode wanted);
/* What is read before the first phase. */
int residency_load(sdcl *s);
/* Called before a phase's plans run: its weights and memory are there afterwards. */
int residency_enter(sdcl *s, phase p);
/* Called between the text encoder and the prologue, which multiplies with the UNet's weights. */
int residency_enter_prologue(sdcl *s);
/* The batch does not run phase p again: what it has goes, unless everything is held. */
int residency_done(sdcl *s, phase p);
/* Frees the activations' memory; before plans are freed. */
void residency_leave(sdcl *s);

#endif
