/* SPDX-License-Identifier: MIT */
/* Inside of a model, for the loaders of its formats. */
#ifndef SDCL_IO_MODEL_PARTS_H
#define SDCL_IO_MODEL_PARTS_H

#include "io/model.h"

/* name is canonical: diffusers' with to_q for the VAE's attention and without "text_model.". used: a configuration
 * asks for it. */
typedef struct model_entry {
    char *name; /* owned */
    const file_tensor *tensor;
    const tensor_file *file;
    bool used;
} model_entry;

typedef struct model_table {
    model_entry *entry; /* sorted by name once the model is open */
    int count, capacity;
    const tensor_file *first; /* the file that the part begins in */
    uint64_t elements, bytes; /* of the entries in use, whose number is used */
    int used;
} model_table;

struct model {
    char *path, *tokenizer_dir;
    const char *format;
    model_source source; /* while the model is opened */
    bool has_ema, uses_ema;
    clip_config clip;
    unet_config unet;
    vae_config vae;
    scheduler_config scheduler;
    tensor_file **file;
    int file_count;
    model_table part[PART_COUNT];
};

/* Folder and file names of the parts: "text_encoder", "unet", "vae". */
extern const char *const model_part_name[PART_COUNT];

/* Opens a tensor file that the model then owns; *f is borrowed. */
int model_add_file(model *m, const tensor_file **f, const char *path);
/* Puts a tensor into a part under its diffusers name, which is made canonical. */
int model_add_tensor(model *m, model_part part, const char *name, const file_tensor *t, const tensor_file *f);

/* NULL: no such tensor. The tables must be sorted. */
model_entry *model_find_entry(const model_table *t, const char *canonical);
/* Every tensor that the configurations ask for is there, in its shape and a floating-point type; marks them as used. */
int model_check(model *m);

/* Sorts the tables and checks them against the configurations: the model is complete, or SDCL_EMODEL. */
int model_complete(model *m);

/* Configurations and tensors of m->path; without those of the VAE where the source names another one. */
int model_load_folder(model *m);
int model_load_single_file(model *m);
/* Configuration, where there is one, and tensors of the VAE at m->source.vae. */
int model_load_vae(model *m);

/* The weights of a part out of its own folder in diffusers layout. */
int model_load_weights(model *m, model_part part, const char *dir);
/* A single file's UNet weights: "model.diffusion_model." or, without dots, "model_ema.diffusion_model". */
int model_add_ema(model *m, const tensor_file *f);

/* Reads the configs of a diffusers folder. all: a missing one is an error; otherwise it leaves what is there, and
 * *found counts the others. */
int model_read_configs(model *m, const char *dir, bool all, int *found);
/* The tokenizer folder of dir into m->tokenizer_dir, where it has one; it must where the vocabulary is not CLIP's. */
int model_find_tokenizer(model *m, const char *dir);

/* dir/a, or dir/a/b, malloc'ed; NULL: out of memory. */
char *path_join(const char *dir, const char *a, const char *b);

#endif
