/* SPDX-License-Identifier: MIT */
/* Puts PNG files of one size into a grid: sheet OUTPUT.png COLUMNS PICTURE.png... */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    png_image picture = {.version = PNG_IMAGE_VERSION},
              sheet = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    png_bytep pixels = NULL;
    int columns = argc > 3 ? atoi(argv[2]) : 0, count = argc - 3, failed = 1;
    if (columns <= 0) {
        fprintf(stderr, "usage: sheet OUTPUT.png COLUMNS PICTURE.png...\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        const char *file = argv[3 + i];
        if (!png_image_begin_read_from_file(&picture, file)) {
            fprintf(stderr, "%s: %s\n", file, picture.message);
            goto out;
        }
        if (!pixels) {
            sheet.width = picture.width * (png_uint_32)columns;
            sheet.height = picture.height * (png_uint_32)((count + columns - 1) / columns);
            pixels = malloc(PNG_IMAGE_SIZE(sheet));
            if (!pixels) goto out;
            memset(pixels, 0xff, PNG_IMAGE_SIZE(sheet));
        }
        if (picture.width * (png_uint_32)columns != sheet.width ||
            picture.height * (png_uint_32)((count + columns - 1) / columns) != sheet.height) {
            fprintf(stderr, "%s: another size than %s\n", file, argv[3]);
            goto out;
        }
        size_t row = (size_t)(i / columns) * picture.height, column = (size_t)(i % columns) * picture.width;
        picture.format = PNG_FORMAT_RGB;
        if (!png_image_finish_read(&picture, NULL, pixels + (row * sheet.width + column) * 3,
                                   (png_int_32)sheet.width * 3, NULL)) {
            fprintf(stderr, "%s: %s\n", file, picture.message);
            goto out;
        }
    }
    failed = !png_image_write_to_file(&sheet, argv[1], 0, pixels, 0, NULL);
    if (failed) fprintf(stderr, "%s: %s\n", argv[1], sheet.message);
out:
    png_image_free(&picture);
    free(pixels);
    return failed;
}
