/* SPDX-License-Identifier: MIT */
#include "io/model_shapes.h"
#include "model_fixture.h"

/* --- single files ------------------------------------------------------------------------------------------------- */

static void test_checkpoint_without_config(void **state)
{
    (void)state;
    assert_refused(CHECKPOINT, NULL, "tensors are missing: text_encoder/text_model.encoder.layers.3");
    assert_non_null(strstr(sdcl_last_hint(), "--model-config"));
}

static void test_config_dir_without_configs(void **state)
{
    (void)state;
    assert_refused(CHECKPOINT, "tests/unit", "tests/unit|no configuration");
}

static void test_checkpoint_text_without_prefix(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, CHECKPOINT);
    list_rename_all(&l, "cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.");
    list_write(&l, f->single);
    list_free(&l);
    assert_opens(f->single, f->folder);
}

static void test_ema_and_buffers_are_ignored(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, CHECKPOINT);
    list_add(&l, "model_ema.diffusion_modelinput_blocks00weight", "F32", 4, (const uint64_t[]){8, 4, 3, 3});
    list_add(&l, "model_ema.decay", "F32", 0, NULL);
    list_add(&l, "scale_factor", "F32", 0, NULL);
    list_add(&l, "first_stage_model.loss.logvar", "F32", 0, NULL);
    list_add(&l, "cond_stage_model.logit_scale", "F32", 0, NULL);
    list_add(&l, "control_model.input_hint_block.0.bias", "F32", 1, (const uint64_t[]){16});
    list_drop(&l, "betas");
    list_write(&l, f->single);
    list_free(&l);
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(&(sdcl_params){.model = f->single, .model_config = f->folder}, &info), 0);
    assert_int_equal(info.parts[PART_UNET].tensors, 686);
}

/* A checkpoint with layers_per_block 1 numbers its blocks otherwise; missing names show how they were read. */
static void test_block_numbers_follow_the_config(void **state)
{
    fixture *f = *state;
    json_edit(in(f, "unet/config.json"), "layers_per_block", "1");
    assert_refused(CHECKPOINT, f->folder, "unet/down_blocks.0.downsamplers.0.conv.weight");
}

/* Renames that CompVis' layout does for one layer a level, on the tensors of tiny-b; enough to see the arithmetic of
 * block numbers. */
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
    static const char *const files[] = {TEXT_FILE, UNET_FILE, VAE_FILE};
    static const char *const prefix[] = {"cond_stage_model.transformer.", "model.diffusion_model.",
                                         "first_stage_model."};
    for (int p = 0; p < 3; p++) {
        char path[512], name[256];
        snprintf(path, sizeof path, "tests/golden/tiny-b/%s", files[p]);
        list_read(&l, path);
        for (int i = 0; i < l.count; i++) {
            const st_tensor *t = &l.tensor[i];
            snprintf(name, sizeof name, "%s%.200s", prefix[p], t->name);
            for (size_t k = 0; p == 1 && k < sizeof renamed / sizeof renamed[0]; k++)
                if (!strcmp(t->name, renamed[k][0])) {
                    snprintf(name, sizeof name, "%s%s", prefix[p], renamed[k][1]);
                    list_add(&all, name, t->dtype, t->rank, t->shape);
                }
            if (p != 1) list_add(&all, name, t->dtype, t->rank, t->shape);
        }
        list_free(&l);
    }
    list_write(&all, f->single);
    list_free(&all);
    char words[64];
    snprintf(words, sizeof words, "%zu tensors are missing", 442 - sizeof renamed / sizeof renamed[0]);
    assert_refused(f->single, "tests/golden/tiny-b", words);
}

static void test_inpainting_checkpoint(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, CHECKPOINT);
    list_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    list_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 9, 3, 3});
    list_write(&l, f->single);
    list_free(&l);
    assert_refused(
        f->single, f->folder,
        "unet/conv_in.weight: shape [8,9,3,3], expected [8,4,3,3] (model.diffusion_model.input_blocks.0.0.weight in "
        "the file)");
    json_edit(in(f, "unet/config.json"), "in_channels", "9");
    sdcl_model_info info;
    assert_int_equal(sdcl_inspect(&(sdcl_params){.model = f->single, .model_config = f->folder}, &info), 0);
    assert_string_equal(info.type, "Stable Diffusion v1 inpainting");
}

static int add_text_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    char full[256];
    snprintf(full, sizeof full, "cond_stage_model.transformer.text_model.%.200s", name);
    list_add(user, full, "F16", rank, shape);
    return 0;
}

/* Without a UNet config the nine channels are found in the file. The text encoder is as wide as the UNet of v1 wants
 * it, so that only the UNet's own sizes do not fit. */
static void test_nine_channels_are_found(void **state)
{
    fixture *f = *state;
    st_list l;
    const clip_config clip = {
        .vocab_size = 1114, .hidden = 768, .intermediate = 8, .layers = 1, .heads = 8, .positions = 77};
    list_read(&l, CHECKPOINT);
    list_drop_prefix(&l, "cond_stage_model.");
    list_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    list_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 9, 3, 3});
    assert_int_equal(shapes_clip(&clip, add_text_tensor, &l), 0);
    list_write(&l, f->single);
    list_free(&l);
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
    for (; *names; names++) list_add(&l, *names, "F16", 2, (const uint64_t[]){4, 4});
    list_write(&l, f->single);
    list_free(&l);
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
        {{"conditioner.embedders.0.transformer.x", "model.diffusion_model.input_blocks.0.0.weight", NULL},
         "Stable Diffusion XL"},
        {{"model.diffusion_model.label_emb.0.0.weight", NULL}, "Stable Diffusion XL"},
        {{"cond_stage_model.model.transformer.resblocks.0.ln_1.weight", "model.diffusion_model.out.2.bias", NULL},
         "Stable Diffusion 2"},
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
    list_read(&l, CHECKPOINT);
    list_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    list_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 8, 3, 3});
    list_write(&l, f->single);
    list_free(&l);
    assert_refused(f->single, f->folder, "InstructPix2Pix");
}

static void test_checkpoint_without_a_part(void **state)
{
    fixture *f = *state;
    static const char *const parts[][2] = {{"first_stage_model.", "no VAE"}, {"cond_stage_model.", "no text encoder"}};
    for (int i = 0; i < 2; i++) {
        st_list l;
        list_read(&l, CHECKPOINT);
        list_drop_prefix(&l, parts[i][0]);
        list_write(&l, f->single);
        list_free(&l);
        assert_refused(f->single, f->folder, parts[i][1]);
    }
}

static void test_checkpoint_tensor_missing_and_extra(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, CHECKPOINT);
    list_drop(&l, "model.diffusion_model.input_blocks.0.0.weight");
    list_write(&l, f->single);
    assert_refused(f->single, f->folder, "1 tensor is missing: unet/conv_in.weight");
    list_add(&l, "model.diffusion_model.input_blocks.0.0.weight", "F16", 4, (const uint64_t[]){8, 4, 3, 3});
    list_add(&l, "model.diffusion_model.input_blocks.12.0.op.weight", "F16", 1, (const uint64_t[]){8});
    list_add(&l, "model.diffusion_model.time_embed.cond_proj.weight", "F16", 1, (const uint64_t[]){8});
    list_write(&l, f->single);
    list_free(&l);
    assert_refused(
        f->single, f->folder,
        "2 tensors that the configuration|unet/down_blocks.3.downsamplers.0.conv.weight|time_embed.cond_proj");
}

static void test_long_names(void **state)
{
    fixture *f = *state;
    st_list l;
    char name[256];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    list_read(&l, in(f, UNET_FILE));
    list_add(&l, name, "F32", 1, (const uint64_t[]){4});
    list_write(&l, in(f, UNET_FILE));
    assert_refused(f->folder, NULL, "does not ask for: unet/xxxxx");
    assert_true(strlen(sdcl_last_error()) < 300);
    list_free(&l);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
