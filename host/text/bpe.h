/* SPDX-License-Identifier: MIT */
/* Byte-pair merging (Sennrich et al. 2016) over token ids. */
#ifndef SDCL_TEXT_BPE_H
#define SDCL_TEXT_BPE_H

#include <stddef.h>
#include <stdint.h>

typedef struct bpe bpe;

/* Room for that many rules. */
int bpe_new(bpe **b, size_t rules);
void bpe_free(bpe **b);

/* Adds the rule of the next rank, the first added being the strongest: left right -> merged. The pair has none yet. */
void bpe_add(bpe *b, int32_t left, int32_t right, int32_t merged);

/* Applies the strongest rule, leftmost pair first, until none fits: ids[0 .. *n) in place, *n < 2^32. O(n log n). */
int bpe_merge(const bpe *b, int32_t *ids, size_t *n);

#endif
