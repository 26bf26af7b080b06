/* SPDX-License-Identifier: MIT */
#include "io/png.h"

#include "base/error.h"

#include <png.h>
#include <stdlib.h>

int pngfile_read(const char *path, int width, int height, unsigned char **rgb)
{
    int err = 0;
    png_image image = {.version = PNG_IMAGE_VERSION};
    *rgb = NULL;
    if (!png_image_begin_read_from_file(&image, path)) {
        err = FAIL(SDCL_EUSAGE, "cannot read %s: %s", path, image.message);
        goto out;
    }
    if (image.width != (png_uint_32)width || image.height != (png_uint_32)height) {
        err = FAIL(SDCL_EUSAGE, "%s is %ux%u, expected %dx%d", path, image.width, image.height, width, height);
        goto out;
    }
    image.format = PNG_FORMAT_RGB;
    *rgb = malloc(PNG_IMAGE_SIZE(image));
    if (!*rgb) err = FAIL(SDCL_ENOMEM, "out of memory");
    else if (!png_image_finish_read(&image, NULL, *rgb, 0, NULL))
        err = FAIL(SDCL_EUSAGE, "cannot read %s: %s", path, image.message);
out:
    png_image_free(&image);
    if (err) {
        free(*rgb);
        *rgb = NULL;
    }
    return err;
}
