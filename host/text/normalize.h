/* SPDX-License-Identifier: MIT */
#ifndef SDCL_TEXT_NORMALIZE_H
#define SDCL_TEXT_NORMALIZE_H

#include "base/strbuf.h"

/* Appends text[0 .. n) to out in the form that CLIP's tokens are written in: canonical composition (NFC), each run of
 * white space one space, then lower case character by character: U+0130 becomes i and U+0307, a sigma at the end of a
 * word stays a plain sigma. O(n log n) for any text. Invalid UTF-8 is SDCL_EUSAGE and names the byte, counted from 0.
 * The tables are utf8proc's; transformers' are of Unicode 9 for the order of marks, so newer marks in the wrong
 * order, and letters newer than either's tables, may come out differently there. */
int text_normalize(const char *text, size_t n, strbuf *out);

#endif
