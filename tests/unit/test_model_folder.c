/* SPDX-License-Identifier: MIT */
#include "ckpt_writer.h"
#include "model_fixture.h"

/* --- folders ------------------------------------------------------------------------------------------------------ */

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
    static const char *const components[][2] = {{"text_encoder", "CLIPTextModelWithProjection"},
                                                {"tokenizer", "T5Tokenizer"},
                                                {"unet", "UNet2DModel"},
                                                {"vae", "AutoencoderTiny"}};
    const char *index = in(f, "model_index.json");
    for (int i = 0; i < 4; i++) {
        char literal[100], words[100];
        shell("cp %s/model_index.json %s", GOLDEN, index);
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
    assert_int_equal(model_open(&m, &(model_source){.path = f->folder, .config_dir = GOLDEN}), SDCL_EUSAGE);
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
    shell("rm %s", in(f, UNET_FILE));
    assert_refused(f->folder, NULL, "unet|diffusion_pytorch_model.safetensors is missing");
}

/* Files of torch.save serve where there is no safetensors file. */
static void test_pickles(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, TEXT_FILE));
    ckpt_from_list(&l, in(f, "text_encoder/pytorch_model.bin"), true);
    list_free(&l);
    list_read(&l, in(f, UNET_FILE));
    ckpt_from_list(&l, in(f, "unet/diffusion_pytorch_model.fp16.bin"), false);
    list_free(&l);
    model *m = opened(f->folder, NULL);
    assert_non_null(strstr(model_part_path(m, PART_UNET), ".safetensors"));
    model_close(&m);
    shell("rm %s %s", in(f, UNET_FILE), in(f, TEXT_FILE));
    m = opened(f->folder, NULL);
    assert_non_null(strstr(model_part_path(m, PART_UNET), "model.fp16.bin"));
    assert_non_null(strstr(model_part_path(m, PART_TEXT), "pytorch_model.bin"));
    model_close(&m);
}

/* Beside the plain weights, which are the moving average, diffusers can keep those of training. */
static void test_non_ema(void **state)
{
    fixture *f = *state;
    static const char *const words[] = {"model.safetensors", "model.safetensors", "model.non_ema.safetensors"};
    shell("cp %s %s", in(f, UNET_FILE), in(f, "unet/diffusion_pytorch_model.non_ema.safetensors"));
    for (int ema = EMA_AUTO; ema <= EMA_OFF; ema++) {
        model *m = NULL;
        assert_int_equal(model_open(&m, &(model_source){.path = f->folder, .ema = (model_ema)ema}), 0);
        assert_non_null(strstr(model_part_path(m, PART_UNET), words[ema]));
        model_close(&m);
    }
    shell("rm %s", in(f, UNET_FILE));
    model *m = NULL;
    assert_int_equal(model_open(&m, &(model_source){.path = f->folder, .ema = EMA_ON}), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "is missing"));
    assert_opens(f->folder, NULL);
}

static void test_placeholders(void **state)
{
    fixture *f = *state;
    text_write(in(f, UNET_FILE), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3438167536\n");
    assert_refused(f->folder, NULL, "unet|Git-LFS");
}

/* --- shards ------------------------------------------------------------------------------------------------------- */

static const char first_shard[] = "diffusion_pytorch_model-00001-of-00002.safetensors",
                  second_shard[] = "diffusion_pytorch_model-00002-of-00002.safetensors",
                  shard_index[] = "unet/diffusion_pytorch_model.safetensors.index.json";

/* Splits the UNet in two; in the index, odd is the shard of the tensor conv_in.bias. extra: a tensor that is in both,
 * or NULL. */
static void split(const fixture *f, const char *odd, const char *extra, long total)
{
    st_list whole, a = {0}, b = {0};
    char path[512];
    list_read(&whole, in(f, UNET_FILE));
    FILE *index = fopen(in(f, shard_index), "w");
    assert_non_null(index);
    long bytes = 0;
    fprintf(index, "{\"weight_map\":{");
    for (int i = 0; i < whole.count; i++) {
        const st_tensor *t = &whole.tensor[i];
        st_list *to = i % 3 ? &b : &a;
        list_add(to, t->name, t->dtype, t->rank, t->shape);
        const char *shard = i % 3 ? second_shard : first_shard;
        if (odd && !strcmp(t->name, "conv_in.bias")) shard = odd;
        fprintf(index, "%s\"%s\":\"%s\"", i ? "," : "", t->name, shard);
        bytes += (long)t->bytes;
        if (!extra || strcmp(t->name, extra) != 0) continue;
        list_add(to == &a ? &b : &a, t->name, t->dtype, t->rank, t->shape);
        bytes += (long)t->bytes;
    }
    fprintf(index, "},\"metadata\":{\"total_size\":%ld}}", total ? total : bytes);
    fclose(index);
    snprintf(path, sizeof path, "%s/unet/%s", f->folder, first_shard);
    list_write(&a, path);
    snprintf(path, sizeof path, "%s/unet/%s", f->folder, second_shard);
    list_write(&b, path);
    shell("rm %s", in(f, UNET_FILE));
    list_free(&whole);
    list_free(&a);
    list_free(&b);
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
    static const char *const names[] = {"/etc/passwd",      "../vae/diffusion_pytorch_model.safetensors", "..", ".", "",
                                        "sub/x.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        shell("cp %s/%s %s", GOLDEN, UNET_FILE, in(f, UNET_FILE));
        split(f, names[i], NULL, 0);
        assert_refused(f->folder, NULL, "index.json|plain file name");
    }
}

static void test_shard_link_out_of_the_folder(void **state)
{
    fixture *f = *state;
    split(f, NULL, NULL, 0);
    shell("cd %s/unet && mv %s %s/outside && ln -s %s/outside %s", f->folder, second_shard, f->tmp.folder,
          f->tmp.folder, second_shard);
    assert_refused(f->folder, NULL, "link|out of the folder");
    shell("cd %s/unet && rm %s && mv %s/outside inside && ln -s inside %s", f->folder, second_shard, f->tmp.folder,
          second_shard);
    assert_opens(f->folder, NULL);
}

static void test_shard_lacks_a_tensor(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, in(f, UNET_FILE));
    bool first = list_index(&l, "conv_in.bias") % 3 == 0;
    list_free(&l);
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
    static const char *const bad[] = {"{}", "{\"weight_map\":{}}", "{\"weight_map\":[\"a\"]}",
                                      "{\"weight_map\":{\"conv_in.bias\":7}}", "["};
    split(f, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        text_write(in(f, shard_index), bad[i]);
        assert_refused(f->folder, NULL, "index.json");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_model_index_is_optional),
        WITH_FIXTURE(test_pipeline_class),
        WITH_FIXTURE(test_component_classes),
        WITH_FIXTURE(test_missing_config),
        WITH_FIXTURE(test_missing_tokenizer),
        WITH_FIXTURE(test_config_dir_is_for_files),
        WITH_FIXTURE(test_variants),
        WITH_FIXTURE(test_plain_file_is_preferred),
        WITH_FIXTURE(test_no_weights),
        WITH_FIXTURE(test_pickles),
        WITH_FIXTURE(test_non_ema),
        WITH_FIXTURE(test_placeholders),
        WITH_FIXTURE(test_shards),
        WITH_FIXTURE(test_missing_shard),
        WITH_FIXTURE(test_shard_paths),
        WITH_FIXTURE(test_shard_link_out_of_the_folder),
        WITH_FIXTURE(test_shard_lacks_a_tensor),
        WITH_FIXTURE(test_tensor_in_two_shards),
        WITH_FIXTURE(test_total_size_lies),
        WITH_FIXTURE(test_malformed_shard_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
