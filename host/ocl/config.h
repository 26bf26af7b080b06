/* SPDX-License-Identifier: MIT */
/* The INI overlay: which value every tunable has on a device, and where it comes from. Lowest to highest: built-in default, gpu.ini or cpu.ini, vendor file,
 * device file with the longest match, the file that `tune` wrote for the device, --config file, --set. Values reach the compiler only as integers that were
 * found in the tunable's choices. */
#ifndef SDCL_OCL_CONFIG_H
#define SDCL_OCL_CONFIG_H

#include "ocl/tunable.h"
#include "sdcl.h"

#include <stdbool.h>

typedef struct config config;

/* sections: null-terminated list of everything that can be set; must outlive the config. device may be NULL (then cpu.ini and gpu.ini are left
 * out). config_file and set as in sdcl_params. SDCL_EUSAGE names file:line, key, allowed values and the nearest name. */
int config_open(config **c, const ocl_section *const *sections, const sdcl_device *device, const char *config_file,
                const char *const *set, int set_count);
/* The same without the user's files: the one that `tune` wrote, and --config. */
int config_open_shipped(config **c, const ocl_section *const *sections, const sdcl_device *device,
                        const char *const *set, int set_count);
void config_close(config **c);

/* A device that need not be here, as far as the overlay looks at it. text: vendor and name; a CPU where it begins with "cpu" or "pthread". */
void config_device_named(sdcl_device *d, const char *text);

/* Values of a section at a precision ("f32", "f16", "bf16"; NULL: none) for a step of some shape, those set for the nearest shape before those for all, in
 * the order of the section's tunables: fills a `struct x_tune`. */
void config_values(const config *c, const ocl_section *section, const char *precision, ocl_shape shape, int *values);
/* The same among what is valid: the nearest shape whose values are, else those for all shapes; false where these are not valid either. */
typedef bool config_valid_fn(void *user, const int *values);
bool config_values_at(const config *c, const ocl_section *section, const char *precision, ocl_shape shape,
                      config_valid_fn *valid, void *user, int *values);
/* SDCL_EUSAGE: the values of a section do not fit `what`; names them and the line that the last of them comes from. */
int config_unfit(const config *c, const ocl_section *section, const char *precision, ocl_shape shape, const int *values,
                 const char *what);
/* "my.ini:3", "built-in default": where a key's value comes from among those that config_values_at ends with when nothing is valid. */
void config_origin_at(const config *c, const ocl_section *section, const char *precision, ocl_shape shape,
                      const char *key, char *text, size_t size);
/* One of these values. The section must have the key. */
int config_value(const config *c, const ocl_section *section, const char *precision, ocl_shape shape, const char *key);
/* The word of an enumerated one. */
const char *config_word(const config *c, const ocl_section *section, const char *precision, ocl_shape shape,
                        const char *key);
/* The same among values that config_values or config_values_at gave. */
const char *config_word_of(const config *c, const ocl_section *section, const char *key, const int *values);

/* "BM = 16, MATH = f32": values of a section that config_values or config_values_at gave. */
void config_values_text(const config *c, const ocl_section *section, const int *values, char *text, size_t size);
/* "TM = 4 8, TN = 8": what any one key of values that are not valid could be instead, so that they are. "TM = 4 with LV = 2, ...": where one does not help,
 * some pairs of keys. "": pairs do not either. */
void config_repairs(const config *c, const ocl_section *section, const int *values, config_valid_fn *valid, void *user,
                    char *text, size_t size);

/* SDCL_EUSAGE about a key that has a value it cannot have together with others: the message begins with where that value comes from. key: one of the
 * section's; precision as in config_values. */
int config_refuse(const config *c, const ocl_section *section, const char *precision, int key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Names of the files of configs/ that are for a device, general ones first; returns how many. */
enum { CONFIG_SHIPPED_MAX = 3 };
int config_shipped_files(const sdcl_device *device, const char *names[CONFIG_SHIPPED_MAX]);

/* Every section and key with value and origin, for `sdcl config`. */
void config_each(const config *c, sdcl_config_fn *each, void *user);
/* Do these values of a section do at a shape (0: any)? Else `why` says why not. CONFIG_SPARE: they do not, and nothing asks for them. */
typedef enum config_verdict { CONFIG_FITS, CONFIG_SPARE, CONFIG_UNFIT } config_verdict;
typedef config_verdict config_judge_fn(void *user, const config *c, const ocl_section *section, ocl_shape shape,
                                       const int *values, char *why, size_t size);
/* The same, and before the keys of a section that does not do (and, where nothing asks for it, whose values are not the shipped ones): its name with NULL for
 * the key, the reason for the value, and where the last of its values comes from. SDCL_EUSAGE, when all have been listed, about the first that is asked for. */
int config_each_judged(const config *c, const config *shipped, config_judge_fn *judge, void *judge_user,
                       sdcl_config_fn *each, void *user);
/* What the user should know: sections that do not count, and why. */
void config_warnings(const config *c, void (*each)(void *user, const char *text), void *user);
/* Is there a file that `tune` wrote for the device; does configs/ have one for it? */
bool config_is_tuned(const config *c);
bool config_has_device_file(const config *c);

/* A device's name as a file name: "nvidia_h100" without vendor, trademarks and punctuation. */
void config_device_word(char *out, size_t size, const char *name);
/* Where `tune` writes for a device and the next run looks: $XDG_DATA_HOME/sdcl/tuned/<device>.ini, to be freed. NULL: no folder that only this user can
 * write to; make: one that is missing is made. */
char *config_tuned_path(const sdcl_device *device, bool make);

#endif
