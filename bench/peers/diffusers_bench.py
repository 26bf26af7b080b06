#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds of diffusers' text encoder, UNet step with guidance (two rows a picture) and VAE decode, at the sizes of Stable Diffusion v1 with random weights,
channels last. One line of JSON with the keys of `sdcl bench model --json`.
usage: diffusers_bench.py [--precision f32|bf16] [--width 512] [--height 512] [--batch 1] [--steps 3] [--threads 2]
Needs torch, diffusers, transformers from PyPI."""
import argparse

import torch

import peer
import sd_v1_random as sd


def main():
    o = peer.arguments(argparse.ArgumentParser())
    torch.set_num_threads(o.threads)
    dtype = torch.bfloat16 if o.precision == "bf16" else torch.float32
    rows, h, w = 2 * o.batch, o.height // 8, o.width // 8
    text, unet, vae = (m.to(dtype) for m in (sd.text_encoder(), sd.unet(), sd.vae()))
    unet, vae = (m.to(memory_format=torch.channels_last) for m in (unet, vae))
    ids = torch.randint(0, 49408, (2, sd.TOKENS))
    sample = torch.randn(rows, 4, h, w).to(dtype).to(memory_format=torch.channels_last)
    context = torch.randn(rows, sd.TOKENS, sd.WIDTH).to(dtype)
    latent = torch.randn(1, 4, h, w).to(dtype).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        encode = peer.timed(lambda: text(ids), o.steps)
        step = peer.timed(lambda: unet(sample, 481, context), o.steps)
        decode = peer.timed(lambda: vae.decode(latent), o.steps)
    peer.report("diffusers", torch.__version__, o, encode, step, decode)


if __name__ == "__main__":
    main()
