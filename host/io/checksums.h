/* SPDX-License-Identifier: MIT */
/* CRC-32 of ranges of a file, compared while their bytes pass by. */
#ifndef SDCL_IO_CHECKSUMS_H
#define SDCL_IO_CHECKSUMS_H

#include <stdint.h>

typedef struct checksums checksums;

/* Room for n ranges. */
int checksums_new(checksums **c, int n);
void checksums_free(checksums **c);
/* Ranges do not overlap; in order of offset. */
void checksums_add(checksums *c, uint64_t offset, uint64_t bytes, uint32_t crc);
/* n bytes of the file at offset. A range is compared when its last byte follows all the others in order; reads in another
 * order are not compared. SDCL_EMODEL where the sum differs. From any thread. */
int checksums_feed(checksums *c, uint64_t offset, uint64_t n, const void *bytes);
/* The range that holds offset; 0: none. */
int checksums_range(const checksums *c, uint64_t offset, uint64_t *begin, uint64_t *bytes);

#endif
