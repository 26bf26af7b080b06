/* SPDX-License-Identifier: MIT */
/* The picture files of the public interface. */
#include "io/png.h"
#include "sdcl.h"

int sdcl_png_write(const char *path, const unsigned char *rgb, int width, int height, const char *text, int force)
{
    return pngfile_write(path, rgb, width, height, text, force);
}

int sdcl_png_write_fd(int fd, const unsigned char *rgb, int width, int height, const char *text)
{
    return pngfile_write_fd(fd, rgb, width, height, text);
}

int sdcl_png_text(const char *path, void (*each)(void *user, const char *key, const char *value), void *user)
{
    return pngfile_text(path, each, user);
}
