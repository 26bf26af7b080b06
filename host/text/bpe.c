/* SPDX-License-Identifier: MIT */
#include "text/bpe.h"

#include "base/error.h"

#include <stdlib.h>

static const uint32_t NO_RULE = UINT32_MAX;
static const int32_t GONE = -1; /* a place whose id went into its left neighbour */

typedef struct rule {
    int32_t left, right, merged;
} rule;

struct bpe {
    rule *rules; /* by rank */
    size_t n;
    uint32_t *slots; /* hash table of ranks, linear probing, at most half full */
    size_t mask;
};

int bpe_new(bpe **b, size_t rules)
{
    bpe *n = calloc(1, sizeof *n);
    size_t slots = 2;
    while (slots < 2 * rules) slots *= 2;
    if (n) {
        n->mask = slots - 1;
        n->rules = calloc(rules + 1, sizeof *n->rules);
        n->slots = malloc(slots * sizeof *n->slots);
    }
    *b = n;
    if (!n || !n->rules || !n->slots) {
        bpe_free(b);
        return FAIL(SDCL_ENOMEM, "no memory for %zu merges", rules);
    }
    for (size_t i = 0; i < slots; i++) n->slots[i] = NO_RULE;
    return 0;
}

void bpe_free(bpe **b)
{
    if (!*b) return;
    free((*b)->rules);
    free((*b)->slots);
    free(*b);
    *b = NULL;
}

/* The slot of a pair: the one that holds its rank, or the empty one where that would go. */
static uint32_t *slot_of(const bpe *b, int32_t left, int32_t right)
{
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = (size_t)(hash >> 32);; i++) {
        uint32_t *slot = b->slots + (i & b->mask);
        if (*slot == NO_RULE) return slot;
        const rule *r = b->rules + *slot;
        if (r->left == left && r->right == right) return slot;
    }
}

void bpe_add(bpe *b, int32_t left, int32_t right, int32_t merged)
{
    b->rules[b->n] = (rule){left, right, merged};
    *slot_of(b, left, right) = (uint32_t)b->n++;
}

/* What is left of the word, as a list, and a min-heap of (rank << 32 | place) of pairs seen. An entry may be out of
 * date: it counts only while the pair at its place still has that rank. */
typedef struct word {
    const bpe *b;
    int32_t *ids;
    uint32_t *next, *previous;
    uint32_t n;
    uint64_t *heap;
    size_t heap_n;
} word;

static uint32_t rank_at(const word *w, uint32_t place)
{
    if (w->ids[place] == GONE || w->next[place] >= w->n) return NO_RULE;
    return *slot_of(w->b, w->ids[place], w->ids[w->next[place]]);
}

static void heap_push(word *w, uint32_t place)
{
    uint32_t rank = rank_at(w, place);
    if (rank == NO_RULE) return;
    uint64_t key = (uint64_t)rank << 32 | place;
    size_t i = w->heap_n++;
    for (; i && w->heap[(i - 1) / 2] > key; i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = key;
}

static uint64_t heap_pop(word *w)
{
    uint64_t top = w->heap[0], last = w->heap[--w->heap_n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->heap_n; i = child) {
        if (child + 1 < w->heap_n && w->heap[child + 1] < w->heap[child]) child++;
        if (w->heap[child] >= last) break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return top;
}

static void merge_at(word *w, uint32_t place, uint32_t rank)
{
    uint32_t right = w->next[place], after = w->next[right];
    w->ids[place] = w->b->rules[rank].merged;
    w->ids[right] = GONE;
    w->next[place] = after;
    if (after < w->n) w->previous[after] = place;
    if (place) heap_push(w, w->previous[place]);
    heap_push(w, place);
}

int bpe_merge(const bpe *b, int32_t *ids, size_t *n)
{
    int err = 0;
    size_t count = *n, kept = 0;
    if (count < 2) return 0;
    /* count - 1 pairs to begin with; each of at most count - 1 merges takes one entry out and puts at most two in. */
    word w = {.b = b, .ids = ids, .n = (uint32_t)count, .heap = malloc(2 * count * sizeof *w.heap)};
    w.next = malloc(count * sizeof *w.next);
    w.previous = malloc(count * sizeof *w.previous);
    if (!w.heap || !w.next || !w.previous) TRY(FAIL(SDCL_ENOMEM, "no memory for a word of %zu bytes", count));
    for (uint32_t i = 0; i < w.n; i++) {
        w.next[i] = i + 1;
        w.previous[i] = i ? i - 1 : 0;
    }
    for (uint32_t i = 0; i < w.n; i++) heap_push(&w, i);
    while (w.heap_n) {
        uint64_t key = heap_pop(&w);
        uint32_t place = (uint32_t)key, rank = (uint32_t)(key >> 32);
        if (rank_at(&w, place) == rank) merge_at(&w, place, rank);
    }
    for (size_t i = 0; i < count; i++)
        if (ids[i] != GONE) ids[kept++] = ids[i];
    *n = kept;
out:
    free(w.heap);
    free(w.next);
    free(w.previous);
    return err;
}
