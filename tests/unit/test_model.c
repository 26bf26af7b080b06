/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/half.h"
#include "io/model.h"
#include "io/model_shapes.h"
#include "io/sha256.h"
#include "scratch.h"
#include "st_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char golden[] = "tests/golden/tiny-a", checkpoint[] = "tests/golden/tiny-a.safetensors";
static const char unet_file[] = "unet/diffusion_pytorch_model.safetensors", vae_file[] = "vae/diffusion_pytorch_model.safetensors",
                  text_file[] = "text_encoder/model.safetensors";

/* A scratch folder with a copy of the golden folder in folder; single is free for a file. */
typedef struct fixture {
    scratch tmp;
    char folder[300], single[300];
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_open(&f->tmp)) return -1;
    snprintf(f->folder, sizeof f->folder, "%s/m", f->tmp.folder);
    snprintf(f->single, sizeof f->single, "%s/one.safetensors", f->tmp.folder);
    shell("cp -R %s %s", golden, f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    scratch_close(&f->tmp);
    free(f);
    return 0;
}

/* The path of a file of the folder; valid until the second next call. */
static const char *in(const fixture *f, const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", f->folder, name);
    return path[turn];
}

static model *opened(const char *path, const char *config)
{
    model *m = NULL;
    if (model_open(&m, path, config)) fail_msg("%s: %s", path, sdcl_last_error());
    return m;
}

static void assert_opens(const char *path, const char *config)
{
    model *m = opened(path, config);
    model_close(&m);
    assert_null(m);
}

/* Refused as a model, with every one of the words (separated by '|') in the message. */
static void assert_refused(const char *path, const char *config, const char *words)
{
    model *m = NULL;
    int err = model_open(&m, path, config);
    assert_null(m);
    if (err != SDCL_EMODEL) fail_msg("%s: status %d", words, err);
    char copy[512], *save = NULL;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
        if (!strstr(sdcl_last_error(), w)) fail_msg("no \"%s\" in: %s", w, sdcl_last_error());
}

/* --- whole models ------------------------------------------------------------------------------------------------------- */

static void test_golden_folders(void **state)
{
    (void)state;
    static const struct {
        const char *path, *type, *dtype;
        int tensors[3], size;
        uint64_t unet_parameters, unet_bytes;
    } models[] = {
        {"tests/golden/tiny-a", "Stable Diffusion v1", "F32", {52, 686, 248}, 64, 282996, 1131984},
        {"tests/golden/tiny-b", "Stable Diffusion v1", "F16", {36, 442, 184}, 64, 356320, 712640},
        {"tests/golden/tiny-inpaint", "Stable Diffusion v1 inpainting", "F16", {52, 686, 248}, 64, 283356, 566712},
        {"models/pocket", "Stable Diffusion v1", "F16", {68, 442, 188}, 128, 8386948, 16773896},
    };
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        sdcl_model_info info;
        assert_int_equal(sdcl_inspect(models[i].path, NULL, &info), 0);
        assert_string_equal(info.type, models[i].type);
        assert_string_equal(info.format, "diffusers folder");
        assert_string_equal(info.prediction, "epsilon");
        assert_string_equal(info.scheduler, "PNDMScheduler");
        assert_int_equal(info.size, models[i].size);
        assert_int_equal(info.part_count, 3);
        assert_string_equal(info.parts[PART_TEXT].name, "text_encoder");
        assert_string_equal(info.parts[PART_UNET].name, "unet");
        assert_string_equal(info.parts[PART_VAE].name, "vae");
        for (int p = 0; p < 3; p++) {
            assert_string_equal(info.parts[p].dtype, models[i].dtype);
            assert_int_equal(info.parts[p].tensors, models[i].tensors[p]);
        }
        assert_int_equal(info.parts[PART_UNET].parameters, models[i].unet_parameters);
        assert_int_equal(info.parts[PART_UNET].bytes, models[i].unet_bytes);
    }
}

static void test_accessors(void **state)
{
    fixture *f = *state;
    model *m = opened(f->folder, NULL);
    assert_string_equal(model_path(m), f->folder);
    assert_int_equal(model_clip(m)->hidden, 32);
    assert_int_equal(model_unet(m)->channels[1], 16);
    assert_int_equal(model_vae(m)->levels, 4);
    assert_int_equal(model_scheduler(m)->steps_offset, 1);
    assert_string_equal(model_tokenizer_dir(m), in(f, "tokenizer"));
    assert_string_equal(model_part_path(m, PART_UNET), in(f, unet_file));
    assert_string_equal(model_part_path(m, PART_TEXT), in(f, text_file));
    model_close(&m);
    model_close(&m);
}

static void test_find(void **state)
{
    fixture *f = *state;
    model *m = opened(f->folder, NULL);
    const tensor_file *file = NULL;
    const file_tensor *t = model_find(m, PART_UNET, "conv_in.weight", &file);
    assert_non_null(t);
    assert_int_equal(t->rank, 4);
    assert_int_equal(t->shape[1], 4);
    assert_string_equal(tensor_file_path(file), in(f, unet_file));
    t = model_find(m, PART_TEXT, "text_model.final_layer_norm.bias", &file);
    assert_non_null(t);
    assert_ptr_equal(t, model_find(m, PART_TEXT, "final_layer_norm.bias", NULL));
    assert_non_null(model_find(m, PART_VAE, "decoder.mid_block.attentions.0.to_out.0.weight", &file));
    assert_null(model_find(m, PART_VAE, "conv_in.weight", &file));
    assert_null(file);
    char long_name[1000];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    assert_null(model_find(m, PART_UNET, long_name, &file));
    model_close(&m);
}

/* The folder (F32) and the checkpoint (F16) hold the same numbers: every tensor is found under the same name with the same values. */
static void test_checkpoint_names(void **state)
{
    (void)state;
    model *folder = opened(golden, NULL), *single = opened(checkpoint, golden);
    const char *const files[] = {text_file, unet_file, vae_file};
    int compared = 0;
    for (int p = 0; p < PART_COUNT; p++) {
        char path[512];
        tensor_file *names = NULL;
        snprintf(path, sizeof path, "%s/%s", golden, files[p]);
        assert_int_equal(tensor_file_open(&names, path), 0);
        for (int i = 0; i < tensor_file_count(names); i++) {
            const char *name = tensor_file_at(names, i)->name;
            const tensor_file *fa, *fb;
            const file_tensor *a = model_find(folder, (model_part)p, name, &fa), *b = model_find(single, (model_part)p, name, &fb);
            if (strstr(name, "position_ids")) continue;
            if (!a || !b) fail_msg("%s: not found", name);
            assert_int_equal(a->elements, b->elements);
            float *x = malloc(a->bytes);
            uint16_t *y = malloc(b->bytes);
            assert_true(x && y);
            assert_int_equal(tensor_file_read(fa, a, 0, a->bytes, x), 0);
            assert_int_equal(tensor_file_read(fb, b, 0, b->bytes, y), 0);
            for (uint64_t k = 0; k < a->elements; k++)
                if (x[k] != half_to_float(y[k])) fail_msg("%s: element %d differs", name, (int)k);
            free(x);
            free(y);
            compared++;
        }
        tensor_file_close(&names);
    }
    assert_int_equal(compared, 52 + 686 + 248);
    model_close(&folder);
    model_close(&single);
}

static void test_checkpoint_description(void **state)
{
    (void)state;
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(checkpoint, golden, &info), 0);
    assert_string_equal(info.format, "single file");
    assert_string_equal(info.parts[PART_VAE].dtype, "F16");
    assert_int_equal(info.parts[PART_VAE].tensors, 248);
    assert_int_equal(sdcl_inspect(NULL, NULL, &info), SDCL_EUSAGE);
}

/* --- folders ------------------------------------------------------------------------------------------------------------ */

static void test_model_index_is_optional(void **state)
{
    fixture *f = *state;
    shell("rm %s", in(f, "model_index.json"));
    assert_opens(f->folder, NULL);
}

static void test_pipeline_class(void **state)
{
    fixture *f = *state;
    const char *index = in(f, "model_index.json");
    json_edit(index, "_class_name", "\"StableDiffusionXLPipeline\"");
    assert_refused(f->folder, NULL, "model_index.json|StableDiffusionXLPipeline");
    json_edit(index, "_class_name", "\"FluxPipeline\"");
    assert_refused(f->folder, NULL, "FluxPipeline");
    json_edit(index, "_class_name", "\"StableDiffusionInstructPix2PixPipeline\"");
    assert_refused(f->folder, NULL, "StableDiffusionInstructPix2PixPipeline");
    json_edit(index, "_class_name", NULL);
    assert_refused(f->folder, NULL, "no pipeline");
    json_edit(index, "_class_name", "\"StableDiffusionInpaintPipeline\"");
    assert_opens(f->folder, NULL);
}

static void test_component_classes(void **state)
{
    fixture *f = *state;
    static const char *const components[][2] = {
        {"text_encoder", "CLIPTextModelWithProjection"}, {"tokenizer", "T5Tokenizer"}, {"unet", "UNet2DModel"}, {"vae", "AutoencoderTiny"}};
    const char *index = in(f, "model_index.json");
    for (int i = 0; i < 4; i++) {
        char literal[100], words[100];
        shell("cp %s/model_index.json %s", golden, index);
        snprintf(literal, sizeof literal, "[\"library\", \"%s\"]", components[i][1]);
        snprintf(words, sizeof words, "%s|%s", components[i][0], components[i][1]);
        json_edit(index, components[i][0], literal);
        assert_refused(f->folder, NULL, words);
        json_edit(index, components[i][0], "[null, null]");
        assert_refused(f->folder, NULL, components[i][0]);
        json_edit(index, components[i][0], NULL);
        assert_refused(f->folder, NULL, components[i][0]);
    }
}

static void test_missing_config(void **state)
{
    fixture *f = *state;
    shell("rm %s", in(f, "vae/config.json"));
    assert_refused(f->folder, NULL, "vae/config.json is missing");
    assert_refused("tests/golden", NULL, "not a whole model folder");
    assert_refused("tests/golden/nothing-here", NULL, "nothing-here");
}

static void test_missing_tokenizer(void **state)
{
    fixture *f = *state;
    shell("rm -r %s", in(f, "tokenizer"));
    assert_refused(f->folder, NULL, "tokenizer|1114");
}

static void test_config_dir_is_for_files(void **state)
{
    fixture *f = *state;
    model *m = NULL;
    assert_int_equal(model_open(&m, f->folder, golden), SDCL_EUSAGE);
    assert_null(m);
}

static void test_variants(void **state)
{
    fixture *f = *state;
    shell("cd %s/unet && mv diffusion_pytorch_model.safetensors diffusion_pytorch_model.fp16.safetensors", f->folder);
    shell("cd %s/vae && mv diffusion_pytorch_model.safetensors diffusion_pytorch_model.non_ema.safetensors", f->folder);
    shell("cd %s/text_encoder && mv model.safetensors model.fp16.safetensors", f->folder);
    model *m = opened(f->folder, NULL);
    assert_non_null(strstr(model_part_path(m, PART_UNET), ".fp16."));
    assert_non_null(strstr(model_part_path(m, PART_VAE), ".non_ema."));
    model_close(&m);
}

static void test_plain_file_is_preferred(void **state)
{
    fixture *f = *state;
    shell("cd %s/unet && echo broken > diffusion_pytorch_model.fp16.safetensors", f->folder);
    model *m = opened(f->folder, NULL);
    assert_null(strstr(model_part_path(m, PART_UNET), ".fp16."));
    model_close(&m);
}

static void test_no_weights(void **state)
{
    fixture *f = *state;
    shell("rm %s", in(f, unet_file));
    assert_refused(f->folder, NULL, "unet|diffusion_pytorch_model.safetensors is missing");
}

static void test_pickle_only(void **state)
{
    fixture *f = *state;
    shell("cd %s/text_encoder && mv model.safetensors pytorch_model.bin", f->folder);
    assert_refused(f->folder, NULL, "pytorch_model.bin|pickle");
    assert_non_null(strstr(sdcl_last_hint(), "safetensors"));
}

static void test_placeholders(void **state)
{
    fixture *f = *state;
    text_write(in(f, unet_file), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3438167536\n");
    assert_refused(f->folder, NULL, "unet|Git-LFS");
}

/* --- shards ------------------------------------------------------------------------------------------------------------- */

static const char first_shard[] = "diffusion_pytorch_model-00001-of-00002.safetensors",
                  second_shard[] = "diffusion_pytorch_model-00002-of-00002.safetensors",
                  shard_index[] = "unet/diffusion_pytorch_model.safetensors.index.json";

/* Splits the UNet in two; in the index, odd is the shard of the tensor conv_in.bias. extra: a tensor that is in both, or NULL. */
static void split(const fixture *f, const char *odd, const char *extra, long total)
{
    st_list whole, a = {0}, b = {0};
    char path[512];
    st_read(&whole, in(f, unet_file));
    FILE *index = fopen(in(f, shard_index), "w");
    assert_non_null(index);
    long bytes = 0;
    fprintf(index, "{\"weight_map\":{");
    for (int i = 0; i < whole.count; i++) {
        const st_tensor *t = &whole.tensor[i];
        st_list *to = i % 3 ? &b : &a;
        st_add(to, t->name, t->dtype, t->rank, t->shape);
        const char *shard = i % 3 ? second_shard : first_shard;
        if (odd && !strcmp(t->name, "conv_in.bias")) shard = odd;
        fprintf(index, "%s\"%s\":\"%s\"", i ? "," : "", t->name, shard);
        bytes += (long)t->bytes;
        if (!extra || strcmp(t->name, extra) != 0) continue;
        st_add(to == &a ? &b : &a, t->name, t->dtype, t->rank, t->shape);
        bytes += (long)t->bytes;
    }
    fprintf(index, "},\"metadata\":{\"total_size\":%ld}}", total ? total : bytes);
    fclose(index);
    snprintf(path, sizeof path, "%s/unet/%s", f->folder, first_shard);
    st_write(&a, path);
    snprintf(path, sizeof path, "%s/unet/%s", f->folder, second_shard);
    st_write(&b, path);
    shell("rm %s", in(f, unet_file));
    st_free(&whole);
    st_free(&a);
    st_free(&b);
}

static void test_shards(void **state)
{
    fixture *f = *state;
    split(f, NULL, NULL, 0);
    model *m = opened(f->folder, NULL);
    sdcl_model_info info;
    model_describe(m, &info);
    assert_int_equal(info.parts[PART_UNET].tensors, 686);
    assert_non_null(strstr(model_part_path(m, PART_UNET), first_shard));
    const tensor_file *a, *b;
    assert_non_null(model_find(m, PART_UNET, "conv_in.bias", &a));
    assert_non_null(model_find(m, PART_UNET, "conv_in.weight", &b));
    assert_ptr_not_equal(a, b);
    model_close(&m);
    shell("cd %s/unet && mv *.index.json diffusion_pytorch_model.safetensors.index.fp16.json", f->folder);
    assert_opens(f->folder, NULL);
    shell("cd %s/unet && mv *.index.fp16.json diffusion_pytorch_model.safetensors.fp16.index.json", f->folder);
    assert_opens(f->folder, NULL);
}

static void test_missing_shard(void **state)
{
    fixture *f = *state;
    split(f, NULL, NULL, 0);
    shell("rm %s/unet/%s", f->folder, second_shard);
    assert_refused(f->folder, NULL, "00002-of-00002|No such file");
}

static void test_shard_paths(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"/etc/passwd", "../vae/diffusion_pytorch_model.safetensors", "..", ".", "", "sub/x.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        shell("cp %s/%s %s", golden, unet_file, in(f, unet_file));
        split(f, names[i], NULL, 0);
        assert_refused(f->folder, NULL, "index.json|plain file name");
    }
}

static void test_shard_link_out_of_the_folder(void **state)
{
    fixture *f = *state;
    split(f, NULL, NULL, 0);
    shell("cd %s/unet && mv %s %s/outside && ln -s %s/outside %s", f->folder, second_shard, f->tmp.folder, f->tmp.folder, second_shard);
    assert_refused(f->folder, NULL, "link|out of the folder");
    shell("cd %s/unet && rm %s && mv %s/outside inside && ln -s inside %s", f->folder, second_shard, f->tmp.folder, second_shard);
    assert_opens(f->folder, NULL);
}

static void test_shard_lacks_a_tensor(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, unet_file));
    bool first = st_index(&l, "conv_in.bias") % 3 == 0;
    st_free(&l);
    split(f, first ? second_shard : first_shard, NULL, 0);
    assert_refused(f->folder, NULL, "lacks tensor conv_in.bias");
}

static void test_tensor_in_two_shards(void **state)
{
    fixture *f = *state;
    split(f, NULL, "conv_out.weight", 0);
    assert_refused(f->folder, NULL, "conv_out.weight is there twice");
}

static void test_total_size_lies(void **state)
{
    fixture *f = *state;
    split(f, NULL, NULL, 12345);
    assert_refused(f->folder, NULL, "total_size is 12345");
}

static void test_malformed_shard_index(void **state)
{
    fixture *f = *state;
    static const char *const bad[] = {"{}", "{\"weight_map\":{}}", "{\"weight_map\":[\"a\"]}", "{\"weight_map\":{\"conv_in.bias\":7}}", "["};
    split(f, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        text_write(in(f, shard_index), bad[i]);
        assert_refused(f->folder, NULL, "index.json");
    }
}

/* --- names and shapes that writers differ in ---------------------------------------------------------------------------- */

static void test_early_vae_attention(void **state)
{
    fixture *f = *state;
    static const char *const renamed[][2] = {{".to_q.", ".query."}, {".to_k.", ".key."}, {".to_v.", ".value."}, {".to_out.0.", ".proj_attn."}};
    st_list l;
    st_read(&l, in(f, vae_file));
    for (int i = 0; i < 4; i++) st_rename_all(&l, renamed[i][0], renamed[i][1]);
    st_write(&l, in(f, vae_file));
    assert_true(st_index(&l, "encoder.mid_block.attentions.0.query.weight") >= 0);
    model *m = opened(f->folder, NULL);
    const file_tensor *t = model_find(m, PART_VAE, "encoder.mid_block.attentions.0.to_q.weight", NULL);
    assert_non_null(t);
    assert_string_equal(t->name, "encoder.mid_block.attentions.0.query.weight");
    model_close(&m);

    st_rename(&l, "encoder.mid_block.attentions.0.key.weight", "encoder.mid_block.attentions.0.to_q.weight");
    st_write(&l, in(f, vae_file));
    assert_refused(f->folder, NULL, "to_q.weight is there twice|query");
    st_free(&l);
}

static void test_matrix_or_convolution(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, vae_file));
    st_reshape(&l, "decoder.mid_block.attentions.0.to_q.weight", 4, (const uint64_t[]){16, 16, 1, 1});
    st_write(&l, in(f, vae_file));
    st_free(&l);
    st_read(&l, in(f, unet_file));
    st_reshape(&l, "down_blocks.0.attentions.0.proj_in.weight", 2, (const uint64_t[]){8, 8});
    st_reshape(&l, "down_blocks.0.attentions.0.proj_out.weight", 2, (const uint64_t[]){8, 8});
    st_write(&l, in(f, unet_file));
    st_free(&l);
    assert_opens(f->folder, NULL);
}

static void test_text_names_without_prefix(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, text_file));
    st_rename_all(&l, "text_model.", "");
    st_write(&l, in(f, text_file));
    st_free(&l);
    model *m = opened(f->folder, NULL);
    assert_non_null(model_find(m, PART_TEXT, "text_model.embeddings.token_embedding.weight", NULL));
    model_close(&m);
}

static void test_text_extras_are_ignored(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, text_file));
    st_add(&l, "text_model.embeddings.position_ids", "F32", 2, (const uint64_t[]){1, 77});
    st_add(&l, "embeddings.position_ids", "F16", 2, (const uint64_t[]){1, 77});
    st_add(&l, "text_projection.weight", "F32", 2, (const uint64_t[]){32, 32});
    st_write(&l, in(f, text_file));
    st_free(&l);
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(f->folder, NULL, &info), 0);
    assert_int_equal(info.parts[PART_TEXT].tensors, 52);
    assert_int_equal(info.parts[PART_TEXT].parameters, 76288);
}

static void test_mixed_types(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, unet_file));
    st_drop(&l, "conv_out.bias");
    st_add(&l, "conv_out.bias", "F16", 1, (const uint64_t[]){4});
    st_write(&l, in(f, unet_file));
    st_free(&l);
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(f->folder, NULL, &info), 0);
    assert_string_equal(info.parts[PART_UNET].dtype, "mixed");
    assert_int_equal(info.parts[PART_UNET].bytes, 1131984 - 8);
}

/* --- wrong tensors ------------------------------------------------------------------------------------------------------ */

static void test_one_tensor_missing(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, unet_file));
    st_drop(&l, "up_blocks.2.attentions.1.norm.bias");
    st_write(&l, in(f, unet_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "1 tensor is missing: unet/up_blocks.2.attentions.1.norm.bias");
    assert_null(strstr(sdcl_last_error(), ", ..."));
}

static void test_many_tensors_missing(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, vae_file));
    st_drop_prefix(&l, "encoder.");
    st_write(&l, in(f, vae_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "106 tensors are missing: vae/encoder.conv_in.weight, vae/encoder.conv_in.bias, |, ...");
}

static void test_transposed_tensor(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, text_file));
    st_reshape(&l, "text_model.encoder.layers.1.mlp.fc1.weight", 2, (const uint64_t[]){32, 128});
    st_write(&l, in(f, text_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "text_encoder/text_model.encoder.layers.1.mlp.fc1.weight: shape [32,128], expected [128,32]");
}

static void test_shapes_of_other_ranks(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, unet_file));
    st_reshape(&l, "conv_in.weight", 2, (const uint64_t[]){8, 36});
    st_reshape(&l, "conv_in.bias", 2, (const uint64_t[]){8, 1});
    st_reshape(&l, "down_blocks.0.attentions.0.proj_in.weight", 4, (const uint64_t[]){16, 4, 1, 1});
    st_write(&l, in(f, unet_file));
    assert_refused(f->folder, NULL, "unet/conv_in.weight: shape [8,36], expected [8,4,3,3]|conv_in.bias: shape [8,1], expected [8]|"
                                    "proj_in.weight: shape [16,4,1,1], expected [8,8,1,1]");
    st_reshape(&l, "conv_out.bias", 2, (const uint64_t[]){4, 1});
    st_write(&l, in(f, unet_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "4 tensors do not fit the configuration|unet/conv_in.weight: shape");
}

static void test_integer_weight(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, unet_file));
    st_retype(&l, "conv_in.weight", "I32");
    st_write(&l, in(f, unet_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "unet/conv_in.weight: type I32");
}

static void test_config_of_another_model(void **state)
{
    fixture *f = *state;
    json_edit(in(f, "unet/config.json"), "in_channels", "9");
    assert_refused(f->folder, NULL, "unet/conv_in.weight: shape [8,4,3,3], expected [8,9,3,3]");
    json_edit(in(f, "unet/config.json"), "in_channels", "4");
    json_edit(in(f, "unet/config.json"), "layers_per_block", "3");
    assert_refused(f->folder, NULL, "missing: unet/down_blocks.0.resnets.2.norm1.weight");
    json_edit(in(f, "unet/config.json"), "layers_per_block", "2");
    json_edit(in(f, "unet/config.json"), "cross_attention_dim", "48");
    assert_refused(f->folder, NULL, "cross_attention_dim");
}

static void test_tensors_that_nobody_asks_for(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, in(f, unet_file));
    st_add(&l, "time_embedding.cond_proj.weight", "F32", 2, (const uint64_t[]){8, 256});
    st_write(&l, in(f, unet_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "1 tensor that the configuration does not ask for: unet/time_embedding.cond_proj.weight");
    shell("cp %s/%s %s", golden, unet_file, in(f, unet_file));
    st_read(&l, in(f, vae_file));
    st_add(&l, "loss.logvar", "F32", 0, NULL);
    st_write(&l, in(f, vae_file));
    assert_opens(f->folder, NULL);
    st_add(&l, "decoder.time_conv.weight", "F32", 1, (const uint64_t[]){8});
    st_write(&l, in(f, vae_file));
    st_free(&l);
    assert_refused(f->folder, NULL, "vae/decoder.time_conv.weight");
}

/* --- single files ------------------------------------------------------------------------------------------------------- */

static void test_checkpoint_without_config(void **state)
{
    (void)state;
    assert_refused(checkpoint, NULL, "tensors are missing: text_encoder/text_model.encoder.layers.3");
    assert_non_null(strstr(sdcl_last_hint(), "--model-config"));
}

static void test_config_dir_without_configs(void **state)
{
    (void)state;
    assert_refused(checkpoint, "tests/unit", "tests/unit|no configuration");
}

static void test_checkpoint_text_without_prefix(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, checkpoint);
    st_rename_all(&l, "cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.");
    st_write(&l, f->single);
    st_free(&l);
    assert_opens(f->single, f->folder);
}

static void test_ema_and_buffers_are_ignored(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, checkpoint);
    st_add(&l, "model_ema.diffusion_modelinput_blocks00weight", "F32", 4, (const uint64_t[]){8, 4, 3, 3});
    st_add(&l, "model_ema.decay", "F32", 0, NULL);
    st_add(&l, "scale_factor", "F32", 0, NULL);
    st_add(&l, "first_stage_model.loss.logvar", "F32", 0, NULL);
    st_add(&l, "cond_stage_model.logit_scale", "F32", 0, NULL);
    st_add(&l, "control_model.input_hint_block.0.bias", "F32", 1, (const uint64_t[]){16});
    st_drop(&l, "betas");
    st_write(&l, f->single);
    st_free(&l);
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(f->single, f->folder, &info), 0);
    assert_int_equal(info.parts[PART_UNET].tensors, 686);
}

/* A checkpoint with layers_per_block 1 numbers its blocks otherwise; missing names show how they were read. */
static void test_block_numbers_follow_the_config(void **state)
{
    fixture *f = *state;
    json_edit(in(f, "unet/config.json"), "layers_per_block", "1");
    assert_refused(checkpoint, f->folder, "unet/down_blocks.0.downsamplers.0.conv.weight");
}

/* Renames that CompVis' layout does for one layer a level, on the tensors of tiny-b; enough to see the arithmetic of block numbers. */
static void test_checkpoint_with_one_layer(void **state)
{
    fixture *f = *state;
    static const char *const renamed[][2] = {
        {"conv_in.weight", "input_blocks.0.0.weight"},
        {"down_blocks.0.resnets.0.conv1.weight", "input_blocks.1.0.in_layers.2.weight"},
        {"down_blocks.0.attentions.0.proj_in.weight", "input_blocks.1.1.proj_in.weight"},
        {"down_blocks.0.downsamplers.0.conv.weight", "input_blocks.2.0.op.weight"},
        {"down_blocks.3.resnets.0.conv2.bias", "input_blocks.7.0.out_layers.3.bias"},
        {"up_blocks.0.upsamplers.0.conv.bias", "output_blocks.1.1.conv.bias"},
        {"up_blocks.1.attentions.1.norm.weight", "output_blocks.3.1.norm.weight"},
        {"up_blocks.1.upsamplers.0.conv.bias", "output_blocks.3.2.conv.bias"},
        {"up_blocks.3.resnets.1.conv_shortcut.bias", "output_blocks.7.0.skip_connection.bias"},
        {"mid_block.resnets.1.time_emb_proj.weight", "middle_block.2.emb_layers.1.weight"},
        {"conv_norm_out.bias", "out.0.bias"},
    };
    st_list all = {0}, l;
    static const char *const files[] = {text_file, unet_file, vae_file};
    static const char *const prefix[] = {"cond_stage_model.transformer.", "model.diffusion_model.", "first_stage_model."};
    for (int p = 0; p < 3; p++) {
        char path[512], name[256];
        snprintf(path, sizeof path, "tests/golden/tiny-b/%s", files[p]);
        st_read(&l, path);
        for (int i = 0; i < l.count; i++) {
            const st_tensor *t = &l.tensor[i];
            snprintf(name, sizeof name, "%s%.200s", prefix[p], t->name);
            for (size_t k = 0; p == 1 && k < sizeof renamed / sizeof renamed[0]; k++)
                if (!strcmp(t->name, renamed[k][0])) {
                    snprintf(name, sizeof name, "%s%s", prefix[p], renamed[k][1]);
                    st_add(&all, name, t->dtype, t->rank, t->shape);
                }
            if (p != 1) st_add(&all, name, t->dtype, t->rank, t->shape);
        }
        st_free(&l);
    }
    st_write(&all, f->single);
    st_free(&all);
    char words[64];
    snprintf(words, sizeof words, "%zu tensors are missing", 442 - sizeof renamed / sizeof renamed[0]);
    assert_refused(f->single, "tests/golden/tiny-b", words);
}

static void test_inpainting_checkpoint(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, checkpoint);
    st_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    st_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 9, 3, 3});
    st_write(&l, f->single);
    st_free(&l);
    assert_refused(f->single, f->folder, "unet/conv_in.weight: shape [8,9,3,3], expected [8,4,3,3]");
    json_edit(in(f, "unet/config.json"), "in_channels", "9");
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(f->single, f->folder, &info), 0);
    assert_string_equal(info.type, "Stable Diffusion v1 inpainting");
}

static int add_text_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    char full[256];
    snprintf(full, sizeof full, "cond_stage_model.transformer.text_model.%.200s", name);
    st_add(user, full, "F16", rank, shape);
    return 0;
}

/* Without a UNet config the nine channels are found in the file. The text encoder is as wide as the UNet of v1 wants it, so that only the
 * UNet's own sizes do not fit. */
static void test_nine_channels_are_found(void **state)
{
    fixture *f = *state;
    st_list l;
    const clip_config clip = {.vocab_size = 1114, .hidden = 768, .intermediate = 8, .layers = 1, .heads = 8, .positions = 77};
    st_read(&l, checkpoint);
    st_drop_prefix(&l, "cond_stage_model.");
    st_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    st_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 9, 3, 3});
    assert_int_equal(shapes_clip(&clip, add_text_tensor, &l), 0);
    st_write(&l, f->single);
    st_free(&l);
    json_edit(in(f, "text_encoder/config.json"), "hidden_size", "768");
    json_edit(in(f, "text_encoder/config.json"), "intermediate_size", "8");
    json_edit(in(f, "text_encoder/config.json"), "num_hidden_layers", "1");
    shell("rm %s", in(f, "unet/config.json"));
    assert_refused(f->single, f->folder, "unet/conv_in.weight: shape [8,9,3,3], expected [320,9,3,3]");
}

/* Only these tensors: what the file is taken for. */
static void refuse_names(const fixture *f, const char *const *names, const char *words)
{
    st_list l = {0};
    for (; *names; names++) st_add(&l, *names, "F16", 2, (const uint64_t[]){4, 4});
    st_write(&l, f->single);
    st_free(&l);
    assert_refused(f->single, NULL, words);
}

static void test_other_files(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *names[3], *words;
    } files[] = {
        {{"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", NULL}, "a LoRA"},
        {{"unet.down_blocks.0.attentions.0.to_q.lora_A.weight", NULL}, "a LoRA"},
        {{"control_model.input_blocks.0.0.weight", NULL}, "a ControlNet"},
        {{"controlnet_cond_embedding.conv_in.weight", "conv_in.weight", NULL}, "a ControlNet"},
        {{"emb_params", NULL}, "textual inversion"},
        {{"conditioner.embedders.0.transformer.x", "model.diffusion_model.input_blocks.0.0.weight", NULL}, "Stable Diffusion XL"},
        {{"model.diffusion_model.label_emb.0.0.weight", NULL}, "Stable Diffusion XL"},
        {{"cond_stage_model.model.transformer.resblocks.0.ln_1.weight", "model.diffusion_model.out.2.bias", NULL}, "Stable Diffusion 2"},
        {{"model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", NULL}, "Stable Diffusion 3"},
        {{"double_blocks.0.img_attn.qkv.weight", NULL}, "Flux"},
        {{"down_blocks.0.resnets.0.conv1.weight", "conv_in.weight", NULL}, "diffusers UNet alone"},
        {{"text_model.final_layer_norm.weight", NULL}, "text encoder alone"},
        {{"decoder.conv_in.weight", "encoder.conv_in.weight", NULL}, "a VAE alone"},
        {{"first_stage_model.decoder.conv_in.weight", NULL}, "a VAE"},
        {{"model_ema.decay", NULL}, "EMA"},
        {{"something.else", NULL}, "not a Stable Diffusion checkpoint"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) refuse_names(f, files[i].names, files[i].words);
}

static void test_pix2pix_checkpoint(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, checkpoint);
    st_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    st_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 8, 3, 3});
    st_write(&l, f->single);
    st_free(&l);
    assert_refused(f->single, f->folder, "InstructPix2Pix");
}

static void test_checkpoint_without_a_part(void **state)
{
    fixture *f = *state;
    static const char *const parts[][2] = {{"first_stage_model.", "no VAE"}, {"cond_stage_model.", "no text encoder"}};
    for (int i = 0; i < 2; i++) {
        st_list l;
        st_read(&l, checkpoint);
        st_drop_prefix(&l, parts[i][0]);
        st_write(&l, f->single);
        st_free(&l);
        assert_refused(f->single, f->folder, parts[i][1]);
    }
}

static void test_checkpoint_tensor_missing_and_extra(void **state)
{
    fixture *f = *state;
    st_list l;
    st_read(&l, checkpoint);
    st_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    st_write(&l, f->single);
    assert_refused(f->single, f->folder, "1 tensor is missing: unet/conv_in.weight");
    st_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 4, 3, 3});
    st_add(&l, "model.diffusion_model.input_blocks.12.0.op.weight", "F16", 1, (const uint64_t[]){8});
    st_add(&l, "model.diffusion_model.time_embed.cond_proj.weight", "F16", 1, (const uint64_t[]){8});
    st_write(&l, f->single);
    st_free(&l);
    assert_refused(f->single, f->folder, "2 tensors that the configuration|unet/down_blocks.3.downsamplers.0.conv.weight|time_embed.cond_proj");
}

static void test_long_names(void **state)
{
    fixture *f = *state;
    st_list l;
    char name[256];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    st_read(&l, in(f, unet_file));
    st_add(&l, name, "F32", 1, (const uint64_t[]){4});
    st_write(&l, in(f, unet_file));
    assert_refused(f->folder, NULL, "does not ask for: unet/xxxxx");
    assert_true(strlen(sdcl_last_error()) < 300);
    st_free(&l);
}

static void test_not_tensor_files(void **state)
{
    fixture *f = *state;
    text_write(f->single, "");
    assert_refused(f->single, NULL, "one.safetensors");
    text_write(f->single, "<!DOCTYPE html><html>");
    assert_refused(f->single, NULL, "web page");
    shell("rm %s && mkfifo %s", f->single, f->single);
    assert_refused(f->single, NULL, "FIFO");
}

static void test_sha256(void **state)
{
    fixture *f = *state;
    char hex[SHA256_HEX];
    text_write(f->single, "abc");
    assert_int_equal(sha256_file(f->single, hex), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    shell("head -c 1048577 /dev/zero > %s", f->single);
    assert_int_equal(sha256_file(f->single, hex), 0);
    char command[600], expected[SHA256_HEX] = "";
    snprintf(command, sizeof command, "sha256sum %s", f->single);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(expected, sizeof expected, p));
    pclose(p);
    assert_string_equal(hex, expected);
    assert_int_equal(sha256_file("tests/golden/nothing-here", hex), SDCL_EMODEL);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_folders),
        WITH_FIXTURE(test_accessors),
        WITH_FIXTURE(test_find),
        cmocka_unit_test(test_checkpoint_names),
        cmocka_unit_test(test_checkpoint_description),
        WITH_FIXTURE(test_model_index_is_optional),
        WITH_FIXTURE(test_pipeline_class),
        WITH_FIXTURE(test_component_classes),
        WITH_FIXTURE(test_missing_config),
        WITH_FIXTURE(test_missing_tokenizer),
        WITH_FIXTURE(test_config_dir_is_for_files),
        WITH_FIXTURE(test_variants),
        WITH_FIXTURE(test_plain_file_is_preferred),
        WITH_FIXTURE(test_no_weights),
        WITH_FIXTURE(test_pickle_only),
        WITH_FIXTURE(test_placeholders),
        WITH_FIXTURE(test_shards),
        WITH_FIXTURE(test_missing_shard),
        WITH_FIXTURE(test_shard_paths),
        WITH_FIXTURE(test_shard_link_out_of_the_folder),
        WITH_FIXTURE(test_shard_lacks_a_tensor),
        WITH_FIXTURE(test_tensor_in_two_shards),
        WITH_FIXTURE(test_total_size_lies),
        WITH_FIXTURE(test_malformed_shard_index),
        WITH_FIXTURE(test_early_vae_attention),
        WITH_FIXTURE(test_matrix_or_convolution),
        WITH_FIXTURE(test_text_names_without_prefix),
        WITH_FIXTURE(test_text_extras_are_ignored),
        WITH_FIXTURE(test_mixed_types),
        WITH_FIXTURE(test_one_tensor_missing),
        WITH_FIXTURE(test_many_tensors_missing),
        WITH_FIXTURE(test_transposed_tensor),
        WITH_FIXTURE(test_shapes_of_other_ranks),
        WITH_FIXTURE(test_integer_weight),
        WITH_FIXTURE(test_config_of_another_model),
        WITH_FIXTURE(test_tensors_that_nobody_asks_for),
        cmocka_unit_test(test_checkpoint_without_config),
        cmocka_unit_test(test_config_dir_without_configs),
        WITH_FIXTURE(test_checkpoint_text_without_prefix),
        WITH_FIXTURE(test_ema_and_buffers_are_ignored),
        WITH_FIXTURE(test_block_numbers_follow_the_config),
        WITH_FIXTURE(test_checkpoint_with_one_layer),
        WITH_FIXTURE(test_inpainting_checkpoint),
        WITH_FIXTURE(test_nine_channels_are_found),
        WITH_FIXTURE(test_other_files),
        WITH_FIXTURE(test_pix2pix_checkpoint),
        WITH_FIXTURE(test_checkpoint_without_a_part),
        WITH_FIXTURE(test_checkpoint_tensor_missing_and_extra),
        WITH_FIXTURE(test_long_names),
        WITH_FIXTURE(test_not_tensor_files),
        WITH_FIXTURE(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
