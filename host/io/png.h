/* SPDX-License-Identifier: MIT */
/* PNG files: pictures are written whole or not at all, and their text is read from files that nobody vouches for. */
#ifndef SDCL_IO_PNG_H
#define SDCL_IO_PNG_H

/* rgb: height x width x 3. text: UTF-8 for the keyword "parameters" (tEXt where Latin-1 can hold it, else iTXt) or NULL. The file is
 * written under a temporary name in path's folder, synced and renamed; without force an existing path is never replaced, also
 * not one that appears meanwhile. SDCL_EOUTPUT: nothing is left behind. */
int pngfile_write(const char *path, const unsigned char *rgb, int width, int height, const char *text, int force);
/* The same bytes to an open descriptor. */
int pngfile_write_fd(int fd, const unsigned char *rgb, int width, int height, const char *text);

/* The pixels of a PNG as height x width x 3, to be freed. SDCL_EUSAGE: it is none, or has another size. */
int pngfile_read(const char *path, int width, int height, unsigned char **rgb);

/* Calls each with keyword and value (valid UTF-8 without NUL) of the tEXt, zTXt and iTXt chunks in file order. Refused with
 * SDCL_EUSAGE: what is no complete PNG, a chunk with a wrong checksum, text beyond 8 MiB a chunk or 32 MiB a file. */
int pngfile_text(const char *path, void (*each)(void *user, const char *key, const char *value), void *user);

#endif
