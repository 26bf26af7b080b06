/* SPDX-License-Identifier: MIT */
#include "io/png.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>
#include <zlib.h>

enum { TEMP_TRIES = 1000 };

/* --- encoding ------------------------------------------------------------------------------------------------------- */

typedef struct picture {
    const unsigned char *rgb;
    int width, height;
    char *text; /* owned; Latin-1 or UTF-8; NULL: none */
    bool latin1;
} picture;

typedef struct sink {
    int fd, error; /* errno of the failed write, or 0 */
    char message[128];
} sink;

/* Latin-1 where every code point fits, else UTF-8 as it is. */
static int set_text(picture *p, const char *utf8)
{
    size_t n = strlen(utf8);
    p->text = malloc(n + 1);
    if (!p->text) return FAIL(SDCL_ENOMEM, "no memory for a PNG's text");
    p->latin1 = true;
    char *out = p->text;
    for (const char *s = utf8; *s;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c);
        if (k <= 0) return FAIL(SDCL_EUSAGE, "a PNG's text has to be valid UTF-8");
        p->latin1 = p->latin1 && c < 256;
        *out++ = (char)c;
        s += k;
    }
    *out = 0;
    if (!p->latin1) memcpy(p->text, utf8, n + 1);
    return 0;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t n)
{
    sink *s = png_get_io_ptr(png);
    while (n) {
        ssize_t k = write(s->fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) {
            s->error = k ? errno : EIO;
            png_error(png, "write");
        }
        bytes += k;
        n -= (size_t)k;
    }
}

static void flush_nothing(png_structp png) { (void)png; }

static void on_error(png_structp png, png_const_charp message)
{
    sink *s = png_get_error_ptr(png);
    snprintf(s->message, sizeof s->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static bool encode(png_structp png, png_infop info, const picture *p, sink *s)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, s, write_bytes, flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    /* Of photographs as small as by searching for repetitions (+2 % to -1 %), in a quarter of the time. */
    png_set_compression_strategy(png, Z_RLE);
    char keyword[] = "parameters";
    png_text text = {.compression = p->latin1 ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE,
                     .key = keyword,
                     .text = p->text};
    if (p->text) png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    for (int y = 0; y < p->height; y++) png_write_row(png, p->rgb + (size_t)y * (size_t)p->width * 3);
    png_write_end(png, NULL);
    return true;
}

int pngfile_write_fd(int fd, const unsigned char *rgb, int width, int height, const char *text)
{
    int err = 0;
    picture p = {.rgb = rgb, .width = width, .height = height};
    sink s = {.fd = fd};
    png_structp png = NULL;
    png_infop info = NULL;
    if (!rgb || width < 1 || height < 1) return FAIL(SDCL_EUSAGE, "a PNG of %d x %d pixels", width, height);
    if (text) TRY(set_text(&p, text));
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    info = png ? png_create_info_struct(png) : NULL;
    if (!info) TRY(FAIL(SDCL_ENOMEM, "no memory for a PNG"));
    if (!encode(png, info, &p, &s))
        TRY(FAIL(SDCL_EOUTPUT, "cannot write the PNG: %s", s.error ? strerror(s.error) : s.message));
out:
    png_destroy_write_struct(&png, &info);
    free(p.text);
    return err;
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

/* Opens a new file beside path; temp is at least strlen(path) + 64 bytes. */
static int open_temp(const char *path, char *temp, size_t n)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0, fd = -1;
    for (int i = 0; fd < 0 && i < TEMP_TRIES; i++) {
        snprintf(temp, n, "%.*s.sdcl-%ld-%d.tmp", folder, path, (long)getpid(), i);
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    return fd;
}

/* Gives temp its name; without force in one step that fails with EEXIST, on file systems of every kind. */
static int publish(const char *temp, const char *path, int force)
{
    if (force) return rename(temp, path);
    if (!renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE)) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    return link(temp, path) ? -1 : unlink(temp);
}

int pngfile_write(const char *path, const unsigned char *rgb, int width, int height, const char *text, int force)
{
    int err = 0, fd = -1;
    size_t n = strlen(path) + 64;
    char *temp = malloc(n);
    struct stat st;
    if (!temp) return FAIL(SDCL_ENOMEM, "no memory for a file name");
    temp[0] = 0;
    if (!stat(path, &st) && !S_ISREG(st.st_mode)) TRY(FAIL(SDCL_EOUTPUT, "%s: not a regular file", path));
    fd = open_temp(path, temp, n);
    if (fd < 0) {
        int cause = errno;
        temp[0] = 0;
        TRY(FAIL(SDCL_EOUTPUT, "%s: cannot create a file there: %s", path, strerror(cause)));
    }
    err = pngfile_write_fd(fd, rgb, width, height, text);
    if (err) TRY(error_prefix(err, "%s", path));
    if (fsync(fd)) TRY(FAIL(SDCL_EOUTPUT, "%s: %s", path, strerror(errno)));
    int closed = close(fd);
    fd = -1;
    if (closed) TRY(FAIL(SDCL_EOUTPUT, "%s: %s", path, strerror(errno)));
    if (publish(temp, path, force)) TRY(FAIL(SDCL_EOUTPUT, "%s: %s", path, strerror(errno)));
    temp[0] = 0;
out:
    if (fd >= 0) close(fd);
    if (temp[0]) unlink(temp);
    free(temp);
    return err;
}
