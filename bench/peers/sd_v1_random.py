# SPDX-License-Identifier: MIT
"""Stable Diffusion v1's networks in PyTorch with random weights: for the peers' benchmarks. Needs torch, diffusers, transformers."""
import math

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

TOKENS, WIDTH = 77, 768


def fill(module):
    """Variance 1 / inputs, norms 1 and 0: activations stay near one."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if p.dim() > 1:
                a = math.sqrt(3 / p[0].numel())
                p.uniform_(-a, a, generator=generator)
            else:
                p.fill_(1.0 if name.endswith("weight") else 0.0)
    return module.eval().requires_grad_(False)


def empty(make):
    with torch.device("meta"):
        module = make()
    buffers = {n: tuple(b.shape) for n, b in module.named_buffers()}
    module = module.to_empty(device="cpu")
    for name, shape in buffers.items():
        module.get_buffer(name).copy_(torch.arange(shape[-1]).expand(shape))  # position_ids, the only ones
    return fill(module)


def text_encoder():
    return empty(lambda: CLIPTextModel(CLIPTextConfig(vocab_size=49408, hidden_size=WIDTH, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                                                      max_position_embeddings=TOKENS, hidden_act="quick_gelu")))


def unet():
    return empty(lambda: UNet2DConditionModel(sample_size=64, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2,
                                              cross_attention_dim=WIDTH, attention_head_dim=8))


def vae():
    return empty(lambda: AutoencoderKL(sample_size=512, in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(128, 256, 512, 512), layers_per_block=2,
                                       down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4))
