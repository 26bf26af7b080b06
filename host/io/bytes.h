/* SPDX-License-Identifier: MIT */
/* Little-endian integers out of a file's bytes, whatever their alignment. */
#ifndef SDCL_IO_BYTES_H
#define SDCL_IO_BYTES_H

#include <stdint.h>

static inline uint16_t read_u16(const unsigned char *b) { return (uint16_t)(b[0] | b[1] << 8); }
static inline uint32_t read_u32(const unsigned char *b) { return read_u16(b) | (uint32_t)read_u16(b + 2) << 16; }
static inline uint64_t read_u64(const unsigned char *b) { return read_u32(b) | (uint64_t)read_u32(b + 4) << 32; }

#endif
