/* SPDX-License-Identifier: MIT */
/* The directory of a zip archive of stored members, as PyTorch writes them. The archive is hostile until it has been checked
 * whole: its members, each with its local header and data descriptor, tile the file from the first byte to the directory,
 * local headers agree with the directory, and the end records agree with each other and are the end of the file. */
#ifndef SDCL_IO_ZIP_INDEX_H
#define SDCL_IO_ZIP_INDEX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct zip_member {
    const char *name;       /* owned by the index; without NUL, otherwise as it is in the file */
    uint64_t offset, bytes; /* of the data, within the file */
    uint64_t header;        /* of the local header */
    uint32_t crc;
    uint16_t flags;
} zip_member;

typedef struct zip_index {
    zip_member *member; /* owned, sorted by name; no name is there twice */
    char *names;        /* owned */
    int count;
    bool checked; /* the members have checksums; PyTorch can leave them all at zero */
} zip_index;

/* SDCL_EMODEL for what is not such an archive; messages name the member, not the file. z is freed by the caller either way. */
int zip_index_read(zip_index *z, int fd, uint64_t size);
void zip_index_free(zip_index *z);

const zip_member *zip_index_find(const zip_index *z, const char *name); /* NULL: not there */
/* The whole member in *data (malloc'ed), its checksum compared; more than max_bytes is refused. */
int zip_member_read(const zip_index *z, const zip_member *m, int fd, uint64_t max_bytes, unsigned char **data);

#endif
