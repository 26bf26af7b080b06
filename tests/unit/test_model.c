/* SPDX-License-Identifier: MIT */
#include "base/half.h"
#include "io/sha256.h"
#include "model_fixture.h"

/* --- whole models ------------------------------------------------------------------------------------------------- */

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
        assert_int_equal(sdcl_inspect(&(sdcl_params){.model = models[i].path}, &info), 0);
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
    assert_string_equal(model_part_path(m, PART_UNET), in(f, UNET_FILE));
    assert_string_equal(model_part_path(m, PART_TEXT), in(f, TEXT_FILE));
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
    assert_string_equal(tensor_file_path(file), in(f, UNET_FILE));
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

/* The folder (F32) and the checkpoint (F16) hold the same numbers: every tensor is found under the same name with the
 * same values. */
static void test_checkpoint_names(void **state)
{
    (void)state;
    model *folder = opened(GOLDEN, NULL), *single = opened(CHECKPOINT, GOLDEN);
    const char *const files[] = {TEXT_FILE, UNET_FILE, VAE_FILE};
    int compared = 0;
    for (int p = 0; p < PART_COUNT; p++) {
        char path[512];
        tensor_file *names = NULL;
        snprintf(path, sizeof path, "%s/%s", GOLDEN, files[p]);
        assert_int_equal(tensor_file_open(&names, path), 0);
        for (int i = 0; i < tensor_file_count(names); i++) {
            const char *name = tensor_file_at(names, i)->name;
            const tensor_file *fa, *fb;
            const file_tensor *a = model_find(folder, (model_part)p, name, &fa),
                              *b = model_find(single, (model_part)p, name, &fb);
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
    assert_int_equal(sdcl_inspect(&(sdcl_params){.model = CHECKPOINT, .model_config = GOLDEN}, &info), 0);
    assert_string_equal(info.format, "single file");
    assert_string_equal(info.parts[PART_VAE].dtype, "F16");
    assert_int_equal(info.parts[PART_VAE].tensors, 248);
    assert_int_equal(sdcl_inspect(&(sdcl_params){0}, &info), SDCL_EUSAGE);
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

/* --- names and shapes that writers differ in ---------------------------------------------------------------------- */

static void test_early_vae_attention(void **state)
{
    fixture *f = *state;
    static const char *const renamed[][2] = {
        {".to_q.", ".query."}, {".to_k.", ".key."}, {".to_v.", ".value."}, {".to_out.0.", ".proj_attn."}};
    st_list l;
    list_read(&l, in(f, VAE_FILE));
    for (int i = 0; i < 4; i++) list_rename_all(&l, renamed[i][0], renamed[i][1]);
    list_write(&l, in(f, VAE_FILE));
    assert_true(list_index(&l, "encoder.mid_block.attentions.0.query.weight") >= 0);
    model *m = opened(f->folder, NULL);
    const file_tensor *t = model_find(m, PART_VAE, "encoder.mid_block.attentions.0.to_q.weight", NULL);
    assert_non_null(t);
    assert_string_equal(t->name, "encoder.mid_block.attentions.0.query.weight");
    model_close(&m);

    list_rename(&l, "encoder.mid_block.attentions.0.key.weight", "encoder.mid_block.attentions.0.to_q.weight");
    list_write(&l, in(f, VAE_FILE));
    assert_refused(f->folder, NULL, "to_q.weight is there twice|query");
    list_free(&l);
}

static void test_matrix_or_convolution(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, VAE_FILE));
    list_reshape(&l, "decoder.mid_block.attentions.0.to_q.weight", 4, (const uint64_t[]){16, 16, 1, 1});
    list_write(&l, in(f, VAE_FILE));
    list_free(&l);
    list_read(&l, in(f, UNET_FILE));
    list_reshape(&l, "down_blocks.0.attentions.0.proj_in.weight", 2, (const uint64_t[]){8, 8});
    list_reshape(&l, "down_blocks.0.attentions.0.proj_out.weight", 2, (const uint64_t[]){8, 8});
    list_write(&l, in(f, UNET_FILE));
    list_free(&l);
    assert_opens(f->folder, NULL);
}

static void test_text_names_without_prefix(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, TEXT_FILE));
    list_rename_all(&l, "text_model.", "");
    list_write(&l, in(f, TEXT_FILE));
    list_free(&l);
    model *m = opened(f->folder, NULL);
    assert_non_null(model_find(m, PART_TEXT, "text_model.embeddings.token_embedding.weight", NULL));
    model_close(&m);
}

static void test_text_extras_are_ignored(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, TEXT_FILE));
    list_add(&l, "text_model.embeddings.position_ids", "F32", 2, (const uint64_t[]){1, 77});
    list_add(&l, "embeddings.position_ids", "F16", 2, (const uint64_t[]){1, 77});
    list_add(&l, "text_projection.weight", "F32", 2, (const uint64_t[]){32, 32});
    list_write(&l, in(f, TEXT_FILE));
    list_free(&l);
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(&(sdcl_params){.model = f->folder}, &info), 0);
    assert_int_equal(info.parts[PART_TEXT].tensors, 52);
    assert_int_equal(info.parts[PART_TEXT].parameters, 76288);
}

static void test_mixed_types(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, UNET_FILE));
    list_drop(&l, "conv_out.bias");
    list_add(&l, "conv_out.bias", "F16", 1, (const uint64_t[]){4});
    list_write(&l, in(f, UNET_FILE));
    list_free(&l);
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(&(sdcl_params){.model = f->folder}, &info), 0);
    assert_string_equal(info.parts[PART_UNET].dtype, "mixed");
    assert_int_equal(info.parts[PART_UNET].bytes, 1131984 - 8);
}

/* --- wrong tensors ------------------------------------------------------------------------------------------------ */

static void test_one_tensor_missing(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, UNET_FILE));
    list_drop(&l, "up_blocks.2.attentions.1.norm.bias");
    list_write(&l, in(f, UNET_FILE));
    list_free(&l);
    assert_refused(f->folder, NULL, "1 tensor is missing: unet/up_blocks.2.attentions.1.norm.bias");
    assert_null(strstr(sdcl_last_error(), ", ..."));
}

static void test_many_tensors_missing(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, VAE_FILE));
    list_drop_prefix(&l, "encoder.");
    list_write(&l, in(f, VAE_FILE));
    list_free(&l);
    assert_refused(f->folder, NULL,
                   "106 tensors are missing: vae/encoder.conv_in.weight, vae/encoder.conv_in.bias, |, ...");
}

static void test_transposed_tensor(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, TEXT_FILE));
    list_reshape(&l, "text_model.encoder.layers.1.mlp.fc1.weight", 2, (const uint64_t[]){32, 128});
    list_write(&l, in(f, TEXT_FILE));
    list_free(&l);
    assert_refused(f->folder, NULL,
                   "text_encoder/text_model.encoder.layers.1.mlp.fc1.weight: shape [32,128], expected [128,32]");
}

static void test_shapes_of_other_ranks(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, UNET_FILE));
    list_reshape(&l, "conv_in.weight", 2, (const uint64_t[]){8, 36});
    list_reshape(&l, "conv_in.bias", 2, (const uint64_t[]){8, 1});
    list_reshape(&l, "down_blocks.0.attentions.0.proj_in.weight", 4, (const uint64_t[]){16, 4, 1, 1});
    list_write(&l, in(f, UNET_FILE));
    assert_refused(f->folder, NULL,
                   "unet/conv_in.weight: shape [8,36], expected [8,4,3,3]|conv_in.bias: shape [8,1], expected [8]|"
                   "proj_in.weight: shape [16,4,1,1], expected [8,8,1,1]");
    list_reshape(&l, "conv_out.bias", 2, (const uint64_t[]){4, 1});
    list_write(&l, in(f, UNET_FILE));
    list_free(&l);
    assert_refused(f->folder, NULL, "4 tensors do not fit the configuration|unet/conv_in.weight: shape");
}

static void test_integer_weight(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, UNET_FILE));
    list_retype(&l, "conv_in.weight", "I32");
    list_write(&l, in(f, UNET_FILE));
    list_free(&l);
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
    list_read(&l, in(f, UNET_FILE));
    list_add(&l, "time_embedding.cond_proj.weight", "F32", 2, (const uint64_t[]){8, 256});
    list_write(&l, in(f, UNET_FILE));
    list_free(&l);
    assert_refused(f->folder, NULL,
                   "1 tensor that the configuration does not ask for: unet/time_embedding.cond_proj.weight");
    shell("cp %s/%s %s", GOLDEN, UNET_FILE, in(f, UNET_FILE));
    list_read(&l, in(f, VAE_FILE));
    list_add(&l, "loss.logvar", "F32", 0, NULL);
    list_write(&l, in(f, VAE_FILE));
    assert_opens(f->folder, NULL);
    list_add(&l, "decoder.time_conv.weight", "F32", 1, (const uint64_t[]){8});
    list_write(&l, in(f, VAE_FILE));
    list_free(&l);
    assert_refused(f->folder, NULL, "vae/decoder.time_conv.weight");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_folders),
        WITH_FIXTURE(test_accessors),
        WITH_FIXTURE(test_find),
        cmocka_unit_test(test_checkpoint_names),
        cmocka_unit_test(test_checkpoint_description),
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
        WITH_FIXTURE(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
